import Dispatch

/// The time that the loops of a worker live by. Tests have one that they move by hand.
protocol LoopClock: Sendable {
    /// Monotonic.
    var now: ContinuousClock.Instant { get }

    /// Calls `action` once, when this much time has passed. It must be quick: the next ones wait for it.
    func after(_ wait: Duration, _ action: @escaping @Sendable () -> Void)
}

/// The time of this machine.
struct SystemLoopClock: LoopClock {
    private let queue = DispatchQueue(label: "postrider.timers", target: .global())

    var now: ContinuousClock.Instant { .now }

    func after(_ wait: Duration, _ action: @escaping @Sendable () -> Void) {
        queue.asyncAfter(
            deadline: .now() + wait.dispatchInterval, qos: .userInitiated, flags: .enforceQoS, execute: action)
    }
}

extension Duration {
    /// For Dispatch's timers; at least a microsecond, at most about an hour.
    fileprivate var dispatchInterval: DispatchTimeInterval {
        let bounded = min(max(self, .microseconds(1)), .seconds(3600))
        let (seconds, attoseconds) = bounded.components
        return .microseconds(Int(clamping: seconds * 1_000_000 + attoseconds / 1_000_000_000_000))
    }
}
