import ArgumentParser
import OutboxStore
import Postgres

struct InboxReplayCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Have rows of the inbox processed again.",
        discussion: """
            An id can be that of a row that is dead, was processed, or waits after a failure, which is due at once then. \
            --source takes what is dead of it, the first that came first. --dry-run counts and changes nothing. What was \
            published is replayed as an event: postrider event replay.

            Example:
              postrider inbox replay --source github --status dead --dry-run
            """)

    @Argument(help: "The numbers of the rows, as inbox list shows them.")
    var ids: [Int64] = []

    @Option(help: ArgumentHelp("What is dead of this source.", valueName: "name"), completion: .sourceName)
    var source: String?

    @Option(help: ArgumentHelp("With --source: dead, which is what it takes.", valueName: "status"))
    var status: String?

    @Option(
        help: ArgumentHelp("Of these only those that died at this time or later.", valueName: "time"),
        transform: Moment.init)
    var since: Moment?

    @Option(
        help: ArgumentHelp("Of these only those that died before this time.", valueName: "time"),
        transform: Moment.init)
    var until: Moment?

    @Flag(help: "Count them and change nothing.")
    var dryRun = false

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    /// How many a step looks at.
    private static let slice: Int32 = 1000

    private struct Report: Encodable {
        let replayed: Int
        let dryRun: Bool
    }

    func validate() throws {
        guard ids.isEmpty != (source == nil) else { throw ValidationError("Give either IDs or --source NAME.") }
        guard source != nil || status == nil && since == nil && until == nil && !dryRun else {
            throw ValidationError("--status, --since, --until and --dry-run go with --source.")
        }
        guard status == nil || status == "dead" else { throw ValidationError("--status can only be dead.") }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        if source != nil, !dryRun, !confirmation.yes, context.inputIsTerminal {
            let count = try await replay(in: context, isPreview: true)
            try Confirmation(confirmation, output, in: context).ask("Replay \(Plural.of("row", count))?")
        }
        let count = try await replay(in: context, isPreview: dryRun)
        guard !output.isJSON else { return try output.json(Report(replayed: count, dryRun: dryRun)) }
        let rows = Plural.of("row", count)
        output.line(dryRun ? "Would replay \(rows); nothing was changed." : "Replayed \(rows).")
    }

    private func replay(in context: CommandContext, isPreview: Bool) async throws -> Int {
        let progress = Progress("waiting for the database")
        return try await context.withDatabase(progress: progress) { connection in
            if let source { return try await replay(source, isPreview, connection, progress) }
            // All of them or none.
            return try await connection.withTransaction(deadline: CommandContext.statementDeadline) { transaction in
                var count = 0
                for id in Set(ids).sorted() {
                    let done = try await transaction.run(
                        InboxRows.replay(id), deadline: CommandContext.statementDeadline)
                    if done.first == true { count += 1 }
                }
                return count
            }
        }
    }

    private func replay(
        _ source: String, _ isPreview: Bool, _ connection: PostgresConnection, _ progress: Progress
    ) async throws -> Int {
        // What dies while it runs stays.
        let now = try await connection.readClock()
        let until = min(self.until?.ago(from: now) ?? now, now)
        var count = 0
        var record: Int64?
        var first: Int64? = 1
        while let from = first {
            let step = try await connection.rows(
                InboxRows.replay(
                    source: source, since: since?.ago(from: now), until: until, from: from, count: Self.slice,
                    record: record, isPreview: isPreview))
            guard let done = step.first else { break }
            count += Int(done.replayed)
            record = done.record ?? record
            first = done.next
            progress.say("\(Plural.of("row", count)) so far")
        }
        return count
    }
}
