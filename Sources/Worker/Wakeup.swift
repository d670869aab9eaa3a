import Synchronization

/// Lets one task wait until another one calls or a time is over, at the cost of a lock and a timer.
///
/// A call before the wait is remembered, so nothing is missed between looking and waiting.
final class Wakeup: Sendable {
    private struct State {
        var isCalled = false
        var waiter: CheckedContinuation<Bool, Never>?
        /// Tells the timers of waits that are over from the one of this wait.
        var turn: UInt64 = 0
    }

    private let state = Mutex(State())
    private let time: any LoopClock

    init(on time: any LoopClock) {
        self.time = time
    }

    /// Ends the running wait, or the next one at once.
    func call() {
        let waiter = state.withLock { state in
            guard let waiter = state.waiter else {
                state.isCalled = true
                return nil as CheckedContinuation<Bool, Never>?
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume(returning: true)
    }

    /// Waits for a call, at most this long.
    ///
    /// - Returns: whether there was a call.
    @discardableResult
    func wait(atMost duration: Duration) async -> Bool {
        await withCheckedContinuation { continuation in
            let turn: UInt64? = state.withLock { state in
                guard !state.isCalled else {
                    state.isCalled = false
                    return nil
                }
                state.waiter = continuation
                state.turn += 1
                return state.turn
            }
            guard let turn else { return continuation.resume(returning: true) }
            time.after(duration) { self.timeOut(turn) }
        }
    }

    private func timeOut(_ turn: UInt64) {
        let waiter = state.withLock { state in
            guard state.turn == turn, let waiter = state.waiter else { return nil as CheckedContinuation<Bool, Never>? }
            state.waiter = nil
            return waiter
        }
        waiter?.resume(returning: false)
    }
}
