import OutboxStore
import Postgres

/// Puts dead letters back, in batches.
struct Replay {
    /// The most dead letters of one transaction.
    static let batch = 1000

    /// What became of the dead letters that a replay was about.
    struct Tally: Equatable {
        var replayed = 0
        /// Left, because the event has expired.
        var expired = 0
        /// Left, because too many attempts were made.
        var spent = 0
        /// Left, because the other endpoint has their event already or may not have it.
        var unfit = 0
    }

    /// Thrown so that a dry run is rolled back.
    private struct DryRun: Error {
        let tally: Tally
    }

    let connection: PostgresConnection
    let progress: Progress
    let isDryRun: Bool

    /// Replays all of these or none, but for those whose event has expired.
    func letters(_ ids: [Int64], _ selection: DeadLetters.Selection) async throws -> Tally {
        var seen: Set<Int64> = []
        let ids = ids.filter { seen.insert($0).inserted }
        return try await transaction { transaction in
            var tally = Tally()
            for id in ids {
                let counts = try await transaction.run(
                    DeadLetters.replay(id, ignoringExpiry: selection.ignoresExpiry, target: selection.target),
                    deadline: CommandContext.statementDeadline)
                if counts.first == 1 {
                    tally.replayed += 1
                } else {
                    // Why it was left.
                    let step = try await transaction.run(
                        DeadLetters.replay(selection, from: id, to: id, count: 1, isPreview: true),
                        deadline: CommandContext.statementDeadline)
                    if (step.first?.unfit ?? 0) > 0 { tally.unfit += 1 } else { tally.expired += 1 }
                }
            }
            return tally
        }
    }

    /// Replays those that are selected, the oldest first, step by step. It leaves out what dies while it runs: otherwise it might
    /// never end.
    func all(_ selection: DeadLetters.Selection, limit: Int) async throws -> Tally {
        var selection = selection
        let now = try await connection.readClock()
        selection.until = min(selection.until ?? now, now)
        var tally = Tally()
        var record: Int64?
        var first: Int64? = 1
        while let next = first, tally.replayed < limit {
            let count = Int32(clamping: min(Self.batch, limit - tally.replayed))
            guard
                let done = try await connection.rows(
                    DeadLetters.replay(selection, from: next, count: count, record: record, isPreview: isDryRun)
                ).first
            else { break }
            tally.replayed += Int(done.replayed)
            tally.expired += Int(done.expired)
            tally.spent += Int(done.spent)
            tally.unfit += Int(done.unfit)
            record = done.record ?? record
            first = done.next
            progress.say("\(Plural.deadLetters(tally.replayed)) so far")
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
