public import Logging
internal import Synchronization

/// A logger for what can repeat a thousand times a second: equal messages pass only so often.
public final class ThrottledLog: Sendable {
    private let throttle: Mutex<LogThrottle>
    private let log: Logger
    private let now: @Sendable () -> Duration

    /// - Parameter now: monotonic time since any fixed moment.
    public init(_ log: Logger, throttle: LogThrottle = LogThrottle(), now: @escaping @Sendable () -> Duration) {
        self.throttle = Mutex(throttle)
        self.log = log
        self.now = now
    }

    /// Writes the message unless it was written often lately. Equal means: the same constant text.
    public func log(_ level: Logger.Level, _ message: String, _ data: [LogKey: String] = [:]) {
        guard case .write(let suppressed) = throttle.withLock({ $0.decide(about: message, at: now()) }) else { return }
        var metadata = Logger.Metadata(uniqueKeysWithValues: data.map { ($0.key.rawValue, .string($0.value)) })
        if suppressed > 0 { metadata[LogKey.suppressed.rawValue] = "\(suppressed)" }
        log.log(level: level, "\(message)", metadata: metadata)
    }
}
