import Dispatch
import Synchronization
import Testing

@testable import Worker

/// A time that stands still until a test moves it. For one loop: each wait of it is a signal that the loop is at rest.
final class ManualLoopClock: LoopClock {
    private struct Timer {
        let due: ContinuousClock.Instant
        let action: @Sendable () -> Void
    }

    private struct Wait {
        let length: Duration
        let due: ContinuousClock.Instant
    }

    private struct State {
        var now = ContinuousClock.now
        var timers: [Timer] = []
        var isFlowing = false
        /// The wait that the loop rests in.
        var rest: Wait?
    }

    private let state = Mutex(State())
    private let waits: AsyncStream<Wait>
    private let begun: AsyncStream<Wait>.Continuation

    init() {
        (waits, begun) = AsyncStream.makeStream()
    }

    var now: ContinuousClock.Instant { state.withLock { $0.now } }

    func after(_ wait: Duration, _ action: @escaping @Sendable () -> Void) {
        let begins: Wait? = state.withLock { state in
            guard !state.isFlowing else {
                state.now += wait
                return nil
            }
            state.timers.append(Timer(due: state.now + wait, action: action))
            return Wait(length: wait, due: state.now + wait)
        }
        // Not at once: a loop that never waits would keep a thread from all the others.
        if let begins { begun.yield(begins) } else { DispatchQueue.global().async(execute: action) }
    }

    /// Moves the time, and ends the waits that are over by then.
    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now += duration
            if let rest = state.rest, rest.due <= state.now { state.rest = nil }
            let due = state.timers.filter { $0.due <= state.now }
            state.timers.removeAll { $0.due <= state.now }
            return due
        }
        for timer in due { timer.action() }
    }

    /// Waits until the loop rests; how long it means to.
    @discardableResult
    func rest() async throws -> Duration {
        if let rest = state.withLock({ $0.rest }) { return rest.length }
        var iterator = waits.makeAsyncIterator()
        // Nothing comes only when the time limit of the test is over.
        guard let wait = await iterator.next() else { throw CancellationError() }
        state.withLock { $0.rest = wait }
        return wait.length
    }

    /// Wakes the loop by what `wake` does, and waits until it rests again.
    @discardableResult
    func rest(after wake: () async throws -> Void) async throws -> Duration {
        try await rest()
        state.withLock { $0.rest = nil }
        try await wake()
        return try await rest()
    }

    /// Lets the loop rest to the end of its wait, and waits until it rests again.
    @discardableResult
    func turn() async throws -> Duration {
        advance(by: try await rest())
        return try await rest()
    }

    /// Lets the loop turn until a condition holds while it rests.
    func turn(until condition: () throws -> Bool) async throws {
        try await rest()
        var turns = 0
        while try !condition() {
            try await turn()
            turns += 1
            try #require(turns < 10_000, "the loop turns, and the condition does not come")
        }
    }

    /// Lets go: from now on each wait is over at once.
    func flow() {
        let timers = state.withLock { state in
            state.isFlowing = true
            defer { state.timers = [] }
            return state.timers
        }
        for timer in timers { timer.action() }
    }
}
