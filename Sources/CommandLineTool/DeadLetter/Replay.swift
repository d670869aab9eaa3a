import OutboxStore
import Postgres

/// Puts dead letters back, in batches.
struct Replay {
    /// The most dead letters of one transaction.
    static let batch = 1000
    /// The most dead letters of one command.
    static let most = 10_000_000

    /// Thrown so that a dry run is rolled back.
    private struct DryRun: Error {
        let count: Int
    }

    let connection: PostgresConnection
    let isDryRun: Bool

    /// Replays all of these or none.
    func letters(_ ids: [Int64]) async throws -> Int {
        var seen: Set<Int64> = []
        let ids = ids.filter { seen.insert($0).inserted }
        return try await transaction { transaction in
            for id in ids {
                try await transaction.execute(DeadLetters.replay(id), deadline: CommandContext.statementDeadline)
            }
            return ids.count
        }
    }

    /// Replays those that are selected, the oldest first. It leaves out what dies while it runs: otherwise it might never
    /// end.
    func all(_ selection: DeadLetters.Selection, limit: Int) async throws -> Int {
        var selection = selection
        let now = try await connection.readClock()
        selection.until = min(selection.until ?? now, now)
        guard !isDryRun else { return try await transaction { try await all(selection, limit: limit, in: $0) } }
        var total = 0
        while total < limit {
            let size = min(Self.batch, limit - total)
            let counts = try await connection.rows(DeadLetters.replay(selection, limit: Int32(clamping: size)))
            let count = Int(counts.first ?? 0)
            total += count
            if count < size { break }
        }
        return total
    }

    private func all(
        _ selection: DeadLetters.Selection, limit: Int, in transaction: PostgresTransaction
    ) async throws -> Int {
        let counts = try await transaction.run(
            DeadLetters.replay(selection, limit: Int32(clamping: limit)), deadline: CommandContext.statementDeadline)
        return Int(counts.first ?? 0)
    }

    /// Commits, or, in a dry run, rolls back.
    private func transaction(_ body: (PostgresTransaction) async throws -> Int) async throws -> Int {
        do {
            return try await connection.withTransaction(deadline: CommandContext.statementDeadline) { transaction in
                let count = try await body(transaction)
                guard !isDryRun else { throw DryRun(count: count) }
                return count
            }
        } catch let dryRun as DryRun {
            return dryRun.count
        }
    }
}
