import Postgres
import TestSupport

/// What PostgreSQL has counted about a table.
struct TableStatistics: Equatable {
    let sequentialScans: Int64
    let updates: Int64
    let hotUpdates: Int64

    /// The counts of the schema's tables, after this connection has handed in what it has counted.
    static func read(_ connection: PostgresConnection) async throws -> [String: TableStatistics] {
        // Handed in at the end of this statement.
        _ = try await connection.query("SELECT pg_stat_force_next_flush()", deadline: TestOutbox.deadline)
        let table = try await connection.query(
            """
            SELECT relname, seq_scan, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = 'postrider'
            """, deadline: TestOutbox.deadline)
        return table.rows.reduce(into: [:]) { counts, row in
            let numbers = row.dropFirst().map { $0.flatMap { Int64($0) } ?? 0 }
            guard let name = row.first ?? nil, numbers.count == 3 else { return }
            counts[name] = TableStatistics(
                sequentialScans: numbers[0], updates: numbers[1], hotUpdates: numbers[2])
        }
    }
}

extension TestOutbox {
    /// Bytes that the server writes to its log during `body`. Whole pages are not among them: `full_page_writes` is off.
    func logged(_ body: () async throws -> Void) async throws -> Double {
        let position = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"
        let before = try await number(position)
        try await body()
        return Double(try await number(position) - before)
    }
}
