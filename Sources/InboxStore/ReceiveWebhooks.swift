package import Inbox
package import Postgres

/// Stores a batch of requests; see `postrider.receive` in the migrations.
///
/// The texts have no zero characters, which PostgreSQL has not either: one request would keep all others of its batch from being stored.
package struct ReceiveWebhooks: PostgresStatement {
    package let sql = """
        SELECT r.place, r.inbox_id, r.is_new FROM postrider.receive($1, $2, $3, $4, $5, $6, $7, $8) r
        """
    package let isQualified = true
    package let isFrequent = true

    /// What became of one.
    package struct Row: Sendable {
        /// Its place in the batch, from 0.
        package let index: Int
        package let receipt: Receipt
    }

    private let batch: [ReceivedWebhook]

    package init(_ batch: [ReceivedWebhook]) {
        self.batch = batch
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(batch.map(\.sourceID))
        parameters.append(batch.map { Self.text($0.webhookID) })
        parameters.append(batch.map { $0.eventType.map(Self.text) })
        parameters.append(batch.map { $0.correlation.map(Self.text) })
        parameters.append(batch.map { $0.contentType.map(Self.text) })
        parameters.append(batch.map(\.headers.json))
        parameters.append(batch.map { PostgresBytes($0.body) })
        parameters.append(batch.map { Self.text($0.remoteAddress) })
    }

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(
            index: try row.column(0, as: Int.self) - 1,
            receipt: Receipt(inboxID: try row.column(1), isNew: try row.column(2)))
    }

    private static func text(_ text: String) -> String {
        guard text.utf8.contains(0) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value == 0 ? "\u{fffd}" : $0 }))
    }
}
