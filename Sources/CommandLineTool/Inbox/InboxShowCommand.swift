import ArgumentParser
import FoundationEssentials
import OutboxStore
import Postgres

struct InboxShowCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a row of the inbox with its headers and its body.",
        discussion: """
            Example:
              postrider inbox show 4711
            """)

    @Argument(help: "The number of the row, as inbox list shows it.")
    var id: Int64

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let row: InboxRowReport
        let content: Content

        func encode(to encoder: any Encoder) throws {
            try row.encode(to: encoder)
            try content.encode(to: encoder)
        }
    }

    private struct Content: Encodable {
        /// Where it is UTF-8.
        let body: String?
        let bodyBase64: String?
        /// As JSON, in a text.
        let headers: String
        /// The event that it became.
        let eventId: Int64?
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        guard let found = try await context.run(InboxRows.find(id)).first else {
            throw CommandError(.badData, "there is no row \(id) in the inbox; postrider inbox list shows the newest")
        }
        let row = found.row
        let body = String(validating: found.body, as: UTF8.self)
        let headers = String(decoding: found.headers.bytes, as: UTF8.self)
        guard !output.isJSON else {
            let content = Content(
                body: body, bodyBase64: body == nil ? Data(found.body).base64EncodedString() : nil, headers: headers,
                eventId: found.event)
            return try output.json(Report(row: InboxRowReport(row), content: content))
        }
        output.line("Row \(row.id) of the inbox: \(row.webhookID) from \(row.source)")
        output.fields([
            ("Status", row.status), ("Type", row.eventType), ("Correlation", row.correlation),
            ("Event", found.event.map { "\($0)" }),
            ("Tenant", row.tenant.isEmpty ? nil : row.tenant), ("Sent from", row.remoteAddress),
            ("Received", "\(row.receivedAt), \(Age.text(row.age))"),
            ("Came again", row.duplicates == 0 ? nil : "\(Plural.of("time", row.duplicates))"),
            ("Attempts", "\(row.attempts)"), ("Due", row.dueAt?.description),
            ("Ended", row.finishedAt?.description), ("Last error", row.lastError), ("Content type", row.contentType),
            ("Headers", headers), ("Body", body ?? "\(found.body.count) bytes that are no text; --json shows them"),
        ])
    }
}
