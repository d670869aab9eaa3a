package import Postgres

/// The doorbell: the last id given to a delivery.
///
/// One page is read, no row. A sequence is not transactional, so it rings as soon as a producer's insert has run, before
/// it commits. That is why a worker looks several times after a ring.
package struct ReadDoorbell: PostgresStatement {
    /// The text of the statement.
    package static let sql = "SELECT s.last_value FROM postrider.deliveries_id_seq s"

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int64 { try row.column(0) }
}
