package import Logging

/// A swift-log handler that writes each entry as one line, for people or for machines.
package struct LineLogHandler: LogHandler {
    /// The least severe level that is written.
    package var logLevel: Logger.Level
    /// Data that every entry gets.
    package var metadata: Logger.Metadata = [:]
    /// Asked for more data at each entry.
    package var metadataProvider: Logger.MetadataProvider?

    private let sink: LogSink

    /// A handler that writes to `sink`.
    package init(level: Logger.Level, sink: LogSink, metadataProvider: Logger.MetadataProvider? = nil) {
        self.logLevel = level
        self.sink = sink
        self.metadataProvider = metadataProvider
    }

    /// One piece of the data that every entry gets.
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes an entry. Its own data wins over the provider's, and that over the logger's.
    package func log(event: LogEvent) {
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
