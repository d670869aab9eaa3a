import FoundationEssentials
import Logging

/// One log entry before it is written: everything a line shows, still unescaped.
struct LogRecord {
    var time: Date
    var level: Logger.Level
    var message: String
    /// The data, sorted by key.
    var data: [(key: String, value: Logger.MetadataValue)]

    /// The most scalars of a message or a value that are shown; longer ones are cut.
    static let valueLimit = 2048
    /// The most entries of data that are shown.
    static let dataLimit = 64
    /// How deep data within data is shown.
    static let depthLimit = 4

    /// The time in UTC with milliseconds, as RFC 3339 has it.
    var timestamp: String {
        time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
