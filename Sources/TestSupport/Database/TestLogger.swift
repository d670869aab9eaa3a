package import Logging
internal import Synchronization

extension Logger {
    /// Drops what it is told.
    package static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// Keeps what a connection logs: the server's notices and warnings.
package final class NoticeRecorder: Sendable {
    package struct Notice: Sendable {
        package let level: Logger.Level
        package let text: String
        package let metadata: Logger.Metadata
    }

    private let kept = Mutex<[Notice]>([])

    package init() {}

    /// What was logged so far, in order.
    package var notices: [Notice] { kept.withLock { $0 } }

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
            let notice = Notice(level: event.level, text: "\(event.message)", metadata: event.metadata ?? [:])
            heard.kept.withLock { $0.append(notice) }
        }
    }
}
