internal import Logging

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
