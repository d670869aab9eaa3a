import Dispatch
import Synchronization

/// What a receiver has seen, what it is to answer, and who waits for it.
final class ReceiverLog: Sendable {
    private struct Waiter {
        var id: Int
        var isMet: @Sendable (_ requests: Int, _ connections: Int) -> Bool
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var requests: [CapturedRequest] = []
        var violations: [String] = []
        var connections = 0
        var next: ArraySlice<ReceiverAnswer> = []
        var byPath: [String: ReceiverAnswer] = [:]
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
    func set(_ answer: ReceiverAnswer?, path: String) { state.withLock { $0.byPath[path] = answer } }
    func add(violation: String) { state.withLock { $0.violations.append(violation) } }

    /// Logs a request and says what to answer.
    func add(_ request: CapturedRequest) -> ReceiverAnswer {
        let (answer, met) = state.withLock { state in
            state.requests.append(request)
            let answer = state.next.popFirst() ?? state.byPath[request.path] ?? state.answer
            return (answer, Self.takeMet(&state))
        }
        for waiter in met { waiter.resume(returning: true) }
        return answer
    }

    /// Logs a connection and gives it its number.
    func addConnection() -> Int {
        let (number, met) = state.withLock { state in
            state.connections += 1
            return (state.connections, Self.takeMet(&state))
        }
        for waiter in met { waiter.resume(returning: true) }
        return number
    }

    /// Waits until `isMet` of the number of requests and of connections; false when the time is over first.
    func wait(_ timeout: Duration, until isMet: @escaping @Sendable (Int, Int) -> Bool) async -> Bool {
        await withCheckedContinuation { continuation in
            let id: Int? = state.withLock { state in
                guard !isMet(state.requests.count, state.connections) else { return nil }
                state.lastWaiter += 1
                state.waiters.append(Waiter(id: state.lastWaiter, isMet: isMet, continuation: continuation))
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
        let (requests, connections) = (state.requests.count, state.connections)
        let met = state.waiters.filter { $0.isMet(requests, connections) }
        state.waiters.removeAll { $0.isMet(requests, connections) }
        return met.map(\.continuation)
    }
}
