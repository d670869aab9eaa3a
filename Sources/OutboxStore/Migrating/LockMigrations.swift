import Postgres

/// Keeps everyone else from migrating until the transaction ends.
struct LockMigrations: PostgresStatement {
    typealias Row = Void

    static let sql = "SELECT pg_advisory_xact_lock(hashtextextended('postrider migrate', 0))"
}
