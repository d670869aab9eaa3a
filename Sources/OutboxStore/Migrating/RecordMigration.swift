import Postgres

/// Records that a migration was applied, in its own transaction.
struct RecordMigration: PostgresStatement {
    typealias Row = Void

    static let sql = "INSERT INTO postrider.schema_migrations (version, name, checksum) VALUES ($1, $2, $3)"

    private let migration: Migration
    private let checksum: String

    init(_ migration: Migration, checksum: String) {
        self.migration = migration
        self.checksum = checksum
    }

    func bind(_ parameters: inout PostgresParameters) {
        parameters.append(migration.version)
        parameters.append(migration.name)
        parameters.append(checksum)
    }
}
