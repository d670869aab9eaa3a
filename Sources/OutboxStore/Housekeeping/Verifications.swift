package import Postgres

/// Asking receivers whether they want what is sent to them.
package enum Verifications {
    /// Endpoints to be asked now, by the caller alone for a while.
    package static func take(limit: Int32) -> PostgresQuery<DueVerification> {
        PostgresQuery("SELECT v.endpoint_id, v.refusals FROM postrider.take_verifications($1) v", limit)
    }

    /// Records what came of it. Returns the endpoint's state; NULL when the answer means nothing any more.
    package static func end(_ end: VerificationEnd) -> PostgresQuery<String?> {
        PostgresQuery(
            "SELECT postrider.end_verification($1, $2, $3, $4, $5, $6)", end.endpoint, end.revision, end.why, end.rate,
            end.counts, end.pause)
    }
}

/// An endpoint whose receiver is to be asked.
package struct DueVerification: Sendable, PostgresRecord {
    package let endpoint: Int32
    /// How often it was asked in vain.
    package let refusals: Int16

    package init(endpoint: Int32, refusals: Int16) {
        self.endpoint = endpoint
        self.refusals = refusals
    }

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(endpoint: try row.column(0), refusals: try row.column(1))
    }
}

/// What came of asking a receiver.
package struct VerificationEnd: Sendable, Equatable {
    package var endpoint: Int32
    /// Of the endpoint that it was asked for.
    package var revision: Int32
    /// Why it has not agreed; nil when it has.
    package var why: String?
    /// The most requests a second that it agreed to; nil for any number.
    package var rate: Float?
    /// Whether it has a part in that.
    package var counts: Bool
    /// Until it is asked again.
    package var pause: Duration

    package init(
        endpoint: Int32, revision: Int32, why: String? = nil, rate: Float? = nil, counts: Bool = false,
        pause: Duration = .zero
    ) {
        self.endpoint = endpoint
        self.revision = revision
        self.why = why
        self.rate = rate
        self.counts = counts
        self.pause = pause
    }
}
