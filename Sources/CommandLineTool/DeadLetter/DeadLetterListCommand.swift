import ArgumentParser
import OutboxStore
import Postgres

struct DeadLetterListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List dead letters, the newest first.",
        discussion: """
            Example:
              postrider dead-letter list --endpoint billing --limit 20
            """)

    @Option(help: ArgumentHelp("Only those of this endpoint.", valueName: "name"))
    var endpoint: String?

    @Option(help: ArgumentHelp("The most rows to list.", valueName: "n"))
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
        try output.list(
            letters, limit: limit, json: Report(deadLetters: letters.map(DeadLetterReport.init)),
            table: .deadLetters(letters), ifEmpty: "There are no dead letters.")
    }
}

/// A dead letter as JSON.
struct DeadLetterReport: Encodable {
    let id: Int64
    let eventId: Int64
    let webhookId: String
    let eventType: String?
    let tenant: String?
    let endpoint: String
    let attempts: Int32
    let reason: String
    let lastHttpStatus: Int32?
    let lastErrorCode: String?
    let lastError: String?
    let createdAt: String
    let deadAt: String

    init(_ letter: DeadLetter) {
        id = letter.id
        eventId = letter.event
        webhookId = letter.webhookID
        eventType = letter.eventType
        tenant = letter.tenant
        endpoint = letter.endpoint
        attempts = letter.attempts
        reason = letter.reason
        lastHttpStatus = letter.lastHTTPStatus
        lastErrorCode = letter.lastErrorCode
        lastError = letter.lastError
        createdAt = letter.createdAt.description
        deadAt = letter.deadAt.description
    }
}

extension Table {
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
