import ArgumentParser
import OutboxStore

/// `postrider dead-letter list`: what was given up, and why.
struct DeadLetterListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List dead letters, the newest first.",
        discussion: """
            Example:
              postrider dead-letter list --endpoint billing --limit 20
            """)

    @Option(help: ArgumentHelp("Of this endpoint alone.", valueName: "name"))
    var endpoint: String?

    @Option(help: ArgumentHelp("The most to list.", valueName: "n"))
    var limit = 100

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let deadLetters: [DeadLetterReport]
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try Bounded.limit(limit)
        let letters = try await context.withDatabase { connection in
            if let endpoint { try await connection.requireEndpoint(endpoint, includingRemoved: true) }
            return try await connection.rows(DeadLetters.list(endpoint: endpoint, limit: limit))
        }
        guard !output.isJSON else { return try output.json(Report(deadLetters: letters.map(DeadLetterReport.init))) }
        guard !letters.isEmpty else { return output.remark("There are no dead letters.") }
        output.table(.deadLetters(letters))
        if letters.count == Int(limit) { output.remark("There may be more; --limit lists more.") }
    }
}

extension Table {
    /// What was given up at a glance.
    static func deadLetters(_ letters: [DeadLetter]) -> Table {
        var table = Table([
            .identifier("ID"), .name("ENDPOINT"), .text("EVENT"), .text("TYPE"), .number("TRIES"), .text("REASON"),
            .text("LAST ERROR"), .identifier("DIED"),
        ])
        for letter in letters {
            table.add(
                "\(letter.id)", letter.endpoint, "\(letter.event)", letter.eventType ?? "-", "\(letter.attempts)",
                letter.reason, letter.lastError ?? letter.lastErrorCode ?? "-", Age.text(letter.age))
        }
        return table
    }
}
