internal import Dispatch
internal import Logging

/// A libpq connection and the watch over its socket, which end together and in the right order.
///
/// Confined to the queue of the ``PostgresConnection`` that owns it.
final class Wire {
    let handle: ConnectionHandle
    let watch: SocketWatch
    private let notices: NoticeLog

    /// Begins to connect; resolving a host name blocks.
    init(
        _ options: [ConnectionOption], queue: DispatchQueue, notices: NoticeLog, onReady: @escaping @Sendable () -> Void
    ) throws(PostgresError) {
        self.watch = try SocketWatch(queue: queue, onReady: onReady)
        self.handle = try ConnectionHandle(options)
        self.notices = notices
        handle.report(to: notices)
    }

    deinit {
        // The members go after this, and with the handle goes the socket.
        watch.forget()
    }

    /// Writes what libpq holds back, and has the watch tell when the rest can be written.
    ///
    /// - Returns: `false` when the connection is broken.
    func flush() -> Bool {
        guard let isAllWritten = handle.flush() else { return false }
        watch.watch(handle.socket, reading: true, writing: !isAllWritten)
        return true
    }
}

/// Writes the notices and warnings of the server to the log, which libpq would print to standard error otherwise.
final class NoticeLog: Sendable {
    private let logger: Logger

    init(_ logger: Logger) {
        self.logger = logger
    }

    func write(_ report: ServerReport) {
        logger.debug(
            "PostgreSQL notice",
            metadata: [
                "postgres.severity": "\(report.severity)", "postgres.sqlstate": "\(report.state)",
                "postgres.message": "\(OneLine.text(report.message))",
            ])
    }
}
