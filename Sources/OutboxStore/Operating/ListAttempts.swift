package import Postgres

/// The attempts to deliver an event, in the order in which they began.
package struct ListAttempts: PostgresStatement {
    /// An attempt.
    package struct Row: Sendable {
        /// Where it went.
        package var endpoint: String
        /// Which attempt of its delivery it was.
        package var attempt: Int32
        /// When it began.
        package var startedAt: PostgresTimestamp
        /// How long it took.
        package var duration: Duration
        /// `delivered`, `retry`, `dead` or `stale`.
        package var outcome: String
        /// The status of the answer.
        package var httpStatus: Int32?
        /// Why it failed, as one word.
        package var errorCode: String?
        /// Why it failed.
        package var error: String?
        /// The beginning of the answer's body.
        package var responseBody: String?
        /// The URL.
        package var requestURL: String?
        /// The address that was dialled.
        package var remoteAddress: String?
        /// Milliseconds since the start, a JSON object.
        package var timings: [UInt8]
        /// Who made it.
        package var worker: Int32
    }

    /// The most rows.
    package static let limit = 1000

    /// The text of the statement.
    package static let sql = """
        SELECT a.endpoint, a.attempt, a.started_at, (a.duration_ms * 1000)::bigint, a.outcome, a.http_status,
               a.error_code, a.error, a.response_body, a.request_url, a.remote_address, a.timings, a.worker
        FROM postrider.attempt_log a
        WHERE a.event_id = $1 AND ($2 IS NULL OR a.endpoint = $2)
        ORDER BY a.started_at, a.attempt LIMIT \(limit)
        """

    private let event: Int64
    private let endpoint: String?

    /// - Parameters:
    ///   - event: its id.
    ///   - endpoint: to this endpoint alone; nil for all.
    package init(event: Int64, endpoint: String? = nil) {
        self.event = event
        self.endpoint = endpoint
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(event)
        parameters.append(endpoint)
    }

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(
            endpoint: try row.column(0), attempt: try row.column(1), startedAt: try row.column(2),
            duration: .microseconds(try row.column(3, as: Int64.self)), outcome: try row.column(4),
            httpStatus: try row.column(5), errorCode: try row.column(6), error: try row.column(7),
            responseBody: try row.column(8), requestURL: try row.column(9), remoteAddress: try row.column(10),
            timings: try row.column(11, as: PostgresJSON.self).bytes, worker: try row.column(12))
    }
}
