import Postgres

/// Reads many rows by one statement, and where one of them spoils it, all the others nevertheless.
enum Halving {
    /// Asks for everything at once. When the answer may have failed for the values of one row, it asks for each half, until
    /// that row is alone: a few statements for one bad row among hundreds, none in the usual case.
    ///
    /// - Returns: what could be read, and what cannot be with the reason.
    /// - Throws: every other failure.
    static func read<Key: Sendable, Row: Sendable>(
        _ keys: [Key], _ ask: ([Key]) async throws(PostgresError) -> [Row]
    ) async throws(PostgresError) -> (rows: [Row], unreadable: [(key: Key, why: PostgresError)]) {
        var rows: [Row] = []
        var unreadable: [(key: Key, why: PostgresError)] = []
        var parts = [keys[...]]
        while let part = parts.popLast() {
            guard let first = part.first else { continue }
            do throws(PostgresError) {
                rows += try await ask(Array(part))
            } catch {
                guard error.mayConcernOneRow else { throw error }
                guard part.count > 1 else {
                    unreadable.append((first, error))
                    continue
                }
                let middle = part.startIndex + part.count / 2
                parts.append(part[middle...])
                parts.append(part[..<middle])
            }
        }
        return (rows, unreadable)
    }
}
