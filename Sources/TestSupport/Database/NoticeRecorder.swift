package import Logging
internal import Synchronization

/// Collects what a connection logs: the server's notices and warnings.
package final class NoticeRecorder: Sendable {
    private let texts = Mutex<[String]>([])

    /// Has heard nothing yet.
    package init() {}

    /// What was logged so far, in order.
    package var notices: [String] { texts.withLock { $0 } }

    /// What a connection logs to.
    package var logger: Logger {
        var logger = Logger(label: "test") { _ in Recorder(heard: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Recorder: LogHandler {
        let heard: NoticeRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            heard.texts.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}
