import ArgumentParser
import OutboxStore

struct DeadLetterDiscardCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard",
        abstract: "Discard dead letters: they are never sent again. The reason is recorded.",
        discussion: """
            Asks first when it runs on a terminal. --endpoint and --all work in small steps, the oldest first, and include \
            those of removed endpoints; --dry-run counts and changes nothing. --since and --until are about when they \
            died: a moment such as 2024-11-20T12:00:00Z, or a length of time before now such as 2h.

            Example:
              postrider dead-letter discard 4711 --why 'the customer is gone'
              postrider dead-letter discard --endpoint billing --until 30d --why 'too old'
            """)

    @Argument(help: "The id, as dead-letter list shows it.")
    var id: Int64?

    @OptionGroup var act: ActOptions

    @OptionGroup var options: OutputOptions

    private var bulk: BulkOptions { act.bulk }

    private struct Report: Encodable {
        let id: Int64
        let discarded: Bool
    }

    private struct BulkReport: Encodable {
        let discarded: Int
        let dryRun: Bool
    }

    func validate() throws {
        guard id == nil || !bulk.dryRun else { throw ValidationError("--dry-run goes with --endpoint or --all.") }
        try act.validate(isNamed: id != nil, as: "an id")
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        guard let id else { return try await discardMany(output, context) }
        try Confirmation(act.confirmation, output, in: context).ask(
            "Discard dead letter \(id)? It cannot be replayed after that.")
        _ = try await context.run(DeadLetters.discard(id, why: act.why ?? "no reason was given"))
        guard !output.isJSON else { return try output.json(Report(id: id, discarded: true)) }
        output.line("Discarded dead letter \(id).")
    }

    private func discardMany(_ output: Output, _ context: CommandContext) async throws {
        let tally = try await act.run(
            output, in: context,
            asking: { "Discard \(Plural.deadLetters($0.changed))\(bulk.words)? They cannot be replayed after that." },
            { run, connection, limit in
                var selection = try await bulk.selection(connection)
                // What dies while it runs stays.
                let now = try await connection.readClock()
                selection.until = min(selection.until ?? now, now)
                return try await run.discard(selection, limit: limit)
            })
        guard !output.isJSON else {
            return try output.json(BulkReport(discarded: tally.changed, dryRun: bulk.dryRun))
        }
        let letters = Plural.deadLetters(tally.changed) + bulk.words
        output.line(bulk.dryRun ? "Would discard \(letters); nothing was changed." : "Discarded \(letters).")
    }
}
