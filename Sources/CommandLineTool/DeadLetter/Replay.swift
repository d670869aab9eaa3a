import OutboxStore
import Postgres

/// Puts dead letters back, in batches.
struct Replay {
    /// The most dead letters of one transaction.
    static let batch = 1000
    /// The most dead letters of one command.
    static let most = 10_000_000

    /// What became of the dead letters that a replay was about.
    struct Tally: Equatable {
        var replayed = 0
        /// Left, because the event has expired.
        var expired = 0
        /// Left, because too many attempts were made.
        var spent = 0
    }

    /// Thrown so that a dry run is rolled back.
    private struct DryRun: Error {
        let tally: Tally
    }

    let connection: PostgresConnection
    let isDryRun: Bool

    /// Replays all of these or none, but for those whose event has expired.
    func letters(_ ids: [Int64], ignoringExpiry: Bool) async throws -> Tally {
        var seen: Set<Int64> = []
        let ids = ids.filter { seen.insert($0).inserted }
        return try await transaction { transaction in
            var tally = Tally()
            for id in ids {
                let counts = try await transaction.run(
                    DeadLetters.replay(id, ignoringExpiry: ignoringExpiry), deadline: CommandContext.statementDeadline)
                if counts.first == 0 { tally.expired += 1 } else { tally.replayed += 1 }
            }
            return tally
        }
    }

    /// Replays those that are selected, the oldest first. It leaves out what dies while it runs: otherwise it might never
    /// end.
    func all(_ selection: DeadLetters.Selection, limit: Int) async throws -> Tally {
        var selection = selection
        let now = try await connection.readClock()
        selection.until = min(selection.until ?? now, now)
        guard isDryRun else {
            return try await steps(limit: limit) { [selection] first, count in
                try await connection.rows(DeadLetters.replay(selection, from: first, count: count))
            }
        }
        return try await transaction { [selection] transaction in
            try await steps(limit: limit) { first, count in
                try await transaction.run(
                    DeadLetters.replay(selection, from: first, count: count), deadline: CommandContext.statementDeadline
                )
            }
        }
    }

    /// Step by step through the ids, until there are no more or `limit` are replayed.
    private func steps(
        limit: Int, _ step: (_ first: Int64, _ count: Int32) async throws -> [ReplayStep]
    ) async throws -> Tally {
        var tally = Tally()
        var first: Int64? = 1
        while let next = first, tally.replayed < limit {
            guard let done = try await step(next, Int32(clamping: min(Self.batch, limit - tally.replayed))).first else {
                break
            }
            tally.replayed += Int(done.replayed)
            tally.expired += Int(done.expired)
            tally.spent += Int(done.spent)
            first = done.next
        }
        return tally
    }

    /// Commits, or, in a dry run, rolls back.
    private func transaction(_ body: (PostgresTransaction) async throws -> Tally) async throws -> Tally {
        do {
            return try await connection.withTransaction(deadline: CommandContext.statementDeadline) { transaction in
                let tally = try await body(transaction)
                guard !isDryRun else { throw DryRun(tally: tally) }
                return tally
            }
        } catch let dryRun as DryRun {
            return dryRun.tally
        }
    }
}
