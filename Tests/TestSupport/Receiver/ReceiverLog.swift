import Dispatch
import Synchronization

/// What a receiver has seen, what it has to answer, and the tests that wait for it.
final class ReceiverLog: Sendable {
    private struct Waiter {
        var id: Int
        /// How many requests it waits for.
        var count: Int
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var requests: [CapturedRequest] = []
        var violations: [String] = []
        var connections = 0
        var next: ArraySlice<ReceiverAnswer> = []
        var byPath: [String: @Sendable (CapturedRequest) -> ReceiverAnswer] = [:]
        var answer: ReceiverAnswer
        var waiters: [Waiter] = []
        var lastWaiter = 0
    }

    private let state: Mutex<State>

    init(_ answer: ReceiverAnswer) {
        state = Mutex(State(answer: answer))
    }

    var requests: [CapturedRequest] { state.withLock { $0.requests } }
    var violations: [String] { state.withLock { $0.violations } }
    var connections: Int { state.withLock { $0.connections } }

    func set(_ answer: ReceiverAnswer) { state.withLock { $0.answer = answer } }
    func set(next answers: [ReceiverAnswer]) { state.withLock { $0.next = answers[...] } }
    func set(path: String, _ answer: (@Sendable (CapturedRequest) -> ReceiverAnswer)?) {
        state.withLock { $0.byPath[path] = answer }
    }
    func add(violation: String) { state.withLock { $0.violations.append(violation) } }

    /// Logs a request and says what to answer.
    func add(_ request: CapturedRequest) -> ReceiverAnswer {
        let (answer, met) = state.withLock { state in
            state.requests.append(request)
            let answer = state.next.popFirst() ?? state.byPath[request.path]?(request) ?? state.answer
            return (answer, Self.takeMet(&state))
        }
        for waiter in met { waiter.resume(returning: true) }
        return answer
    }

    /// Logs a connection and gives it its number.
    func addConnection() -> Int {
        state.withLock { state in
            state.connections += 1
            return state.connections
        }
    }

    /// Waits for at least `count` requests; false when the time is over first.
    func wait(for count: Int, _ timeout: Duration) async -> Bool {
        await withCheckedContinuation { continuation in
            let id: Int? = state.withLock { state in
                guard state.requests.count < count else { return nil }
                state.lastWaiter += 1
                state.waiters.append(Waiter(id: state.lastWaiter, count: count, continuation: continuation))
                return state.lastWaiter
            }
            guard let id else { return continuation.resume(returning: true) }
            let milliseconds = Int(timeout / .milliseconds(1))
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { [self] in
                let late = state.withLock { state -> Waiter? in
                    guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
                    return state.waiters.remove(at: index)
                }
                late?.continuation.resume(returning: false)
            }
        }
    }

    private static func takeMet(_ state: inout State) -> [CheckedContinuation<Bool, Never>] {
        let met = state.waiters.filter { $0.count <= state.requests.count }
        state.waiters.removeAll { $0.count <= state.requests.count }
        return met.map(\.continuation)
    }
}
