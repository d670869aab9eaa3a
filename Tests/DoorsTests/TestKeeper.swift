import Doors
import Synchronization

/// A doorkeeper whose answers a path names: `/early` by the head, `/echo` the body, `/large` with so many bytes as its query says,
/// `/nothing` a 204, and `/later` when ``release()`` is called.
final class TestKeeper: Doorkeeper {
    private struct State {
        var judged = 0
        var faults: [BodyFault] = []
        var waiting: [@Sendable (Answer) -> Void] = []
    }

    private let state = Mutex(State())

    /// How many heads came.
    var judged: Int { state.withLock(\.judged) }
    var faults: [BodyFault] { state.withLock(\.faults) }
    /// How many wait for ``release()``.
    var waiting: Int { state.withLock(\.waiting.count) }

    func judge(_ head: RequestHead) -> Verdict {
        state.withLock { $0.judged += 1 }
        switch head.path {
        case "/early": return .finished(Answer(status: 403, body: "early"))
        default: return .open(Open(keeper: self, path: String(head.path), size: Int(head.query) ?? 0))
        }
    }

    func release() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for give in waiting { give(Answer(status: 200, body: "later")) }
    }

    private struct Open: OpenRequest {
        let keeper: TestKeeper
        let path: String
        let size: Int

        var mostBodyBytes: Int { 1_000 }

        func answer(_ body: BodyPieces, _ give: @escaping @Sendable (Answer) -> Void) {
            switch path {
            case "/large": give(Answer(status: 200, body: [UInt8](repeating: 0x78, count: size)))
            case "/nothing": give(Answer(status: 204, body: "nothing"))
            case "/later": keeper.state.withLock { $0.waiting.append(give) }
            default: give(Answer(status: 200, body: body.joined()))
            }
        }

        func refuse(_ fault: BodyFault) -> Answer {
            keeper.state.withLock { $0.faults.append(fault) }
            return Answer(status: 413, body: "\(fault)")
        }
    }
}
