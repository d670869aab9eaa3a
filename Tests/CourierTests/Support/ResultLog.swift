import Courier
import Dispatch
import Synchronization

/// Collects results and lets a test wait for them.
final class ResultLog: Sendable {
    private struct State {
        var results: [CourierResult] = []
        var batches = 0
        var wanted = Int.max
        var waiter: CheckedContinuation<Bool, Never>?
    }

    private let state = Mutex(State())

    var results: [CourierResult] { state.withLock { $0.results } }
    var batches: Int { state.withLock { $0.batches } }

    func add(_ results: [CourierResult]) {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            state.results += results
            state.batches += 1
            return state.results.count >= state.wanted ? state.waiter.take() : nil
        }
        waiter?.resume(returning: true)
    }

    /// Waits until at least `count` results are there.
    func wait(for count: Int, timeout: Duration = .seconds(20)) async throws -> [CourierResult] {
        let isThere = await withCheckedContinuation { continuation in
            let already = state.withLock { state in
                if state.results.count >= count { return true }
                state.wanted = count
                state.waiter = continuation
                return false
            }
            if already { return continuation.resume(returning: true) }
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(Int(timeout / .milliseconds(1)))) {
                [self] in
                state.withLock { $0.waiter.take() }?.resume(returning: false)
            }
        }
        guard isThere else { throw ResultsMissing(count: results.count, wanted: count) }
        return results
    }
}

/// Not all results came in time.
struct ResultsMissing: Error {
    var count: Int
    var wanted: Int
}
