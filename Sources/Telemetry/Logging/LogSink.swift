import FoundationEssentials
package import Logging
import Synchronization

/// Where all loggers of a process meet: holds floods back, gives entries their form, and hands the lines to the writer.
package final class LogSink: Sendable {
    private let format: LogFormat
    private let writer: LogWriter
    private let throttle: Mutex<LogThrottle>
    private let clock: Clock

    /// The two clocks that a log needs.
    package struct Clock: Sendable {
        /// Seconds since 1970, to show.
        let wall: @Sendable () -> Double
        /// Monotonic time since any fixed moment, to measure intervals with.
        let monotonic: @Sendable () -> Duration

        package init(wall: @escaping @Sendable () -> Double, monotonic: @escaping @Sendable () -> Duration) {
            self.wall = wall
            self.monotonic = monotonic
        }

        /// The clocks of this machine.
        package static var system: Self {
            let origin = ContinuousClock.now
            return Self(wall: { Date().timeIntervalSince1970 }, monotonic: { ContinuousClock.now - origin })
        }
    }

    /// - Parameter throttle: how often equal messages of level `notice` and above may be written. Below that, repetition
    ///   is what the operator asked for with the level.
    package init(
        format: LogFormat, writer: LogWriter, throttle: LogThrottle = LogThrottle(), clock: Clock = .system
    ) {
        self.format = format
        self.writer = writer
        self.throttle = Mutex(throttle)
        self.clock = clock
    }

    package func makeLogger(label: String, level: Logger.Level) -> Logger {
        Logger(label: label) { _ in LineLogHandler(level: level, sink: self) }
    }

    /// How many lines have been dropped, because they were not read in time.
    package var droppedLines: UInt64 { writer.droppedLines }

    /// Waits, for a limited time, until all lines are written: for the end of the process.
    package func flush() {
        writer.flush()
    }

    func write(level: Logger.Level, message: String, data: Logger.Metadata) {
        var data = data
        // Critical lines each name something that is lost.
        if level >= .notice, level < .critical {
            let decision = throttle.withLock { $0.decide(about: message, at: clock.monotonic()) }
            switch decision {
            case .suppress: return
            case .write(suppressed: 0): break
            case .write(let count): data[LogKey.suppressed.rawValue] = .stringConvertible(count)
            }
        }
        let record = LogRecord(
            time: Date(timeIntervalSince1970: clock.wall()), level: level, message: message,
            data: data.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        switch format {
        case .text: writer.write(record.text)
        case .json: writer.write(record.json)
        }
    }
}

/// A swift-log handler that writes each entry as one line, for people or for machines.
struct LineLogHandler: LogHandler {
    /// The least severe level that is written.
    var logLevel: Logger.Level
    /// Data that every entry gets.
    var metadata: Logger.Metadata = [:]
    /// Asked for more data at each entry.
    var metadataProvider: Logger.MetadataProvider?

    private let sink: LogSink

    init(level: Logger.Level, sink: LogSink, metadataProvider: Logger.MetadataProvider? = nil) {
        self.logLevel = level
        self.sink = sink
        self.metadataProvider = metadataProvider
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes an entry. Its own data wins over the provider's, and that over the logger's.
    func log(event: LogEvent) {
        var data = metadata
        if let provided = metadataProvider?.get() {
            data.merge(provided) { _, new in new }
        }
        if let own = event.metadata {
            data.merge(own) { _, new in new }
        }
        if let error = event.error, data[LogKey.error.rawValue] == nil {
            data[LogKey.error.rawValue] = .string("\(error)")
        }
        sink.write(level: event.level, message: event.message.description, data: data)
    }
}

/// How log lines are written to standard error.
package enum LogFormat: String, CaseIterable, Sendable {
    /// One line for people: `time level message key=value`.
    case text
    /// One JSON object a line, for machines.
    case json
}
