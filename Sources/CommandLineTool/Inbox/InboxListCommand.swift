import ArgumentParser
import OutboxStore
import Postgres

struct InboxListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List what was received, the newest first.",
        discussion: """
            --since and --until are about when it came: a moment such as 2024-11-20T12:00:00Z, or a length of time before now \
            such as 2h.

            Example:
              postrider inbox list --source github --status dead
            """)

    @Option(
        help: ArgumentHelp(
            "Only of this status: \(InboxRows.statuses.joined(separator: ", ")).", valueName: "status"),
        completion: .list(InboxRows.statuses))
    var status: String?

    @Option(help: ArgumentHelp("Only those of this time or later.", valueName: "time"), transform: Moment.init)
    var since: Moment?

    @Option(help: ArgumentHelp("Only those before this time.", valueName: "time"), transform: Moment.init)
    var until: Moment?

    @Option(
        name: .customLong("webhook-id"), help: ArgumentHelp("Only those that the sender gave this id.", valueName: "id")
    )
    var webhookID: String?

    @OptionGroup var find: ReceivedListOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let rows: [InboxRowReport]
        /// What `--before` takes for the next page.
        let next: Int64?
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try Bounded.limit(find.limit)
        var search = InboxRows.Search()
        search.source = find.source
        search.status = try Bounded.word(status, of: "--status", among: InboxRows.statuses)
        search.correlation = find.correlation
        search.webhookID = webhookID
        search.before = find.before
        let rows = try await context.withDatabase { [search] connection in
            var search = search
            try await find.checkSource(connection)
            if since != nil || until != nil {
                let now = try await connection.readClock()
                search.since = since?.ago(from: now)
                search.until = until?.ago(from: now)
            }
            return try await connection.rows(InboxRows.list(search, limit: limit))
        }
        let next = find.next(after: rows.map(\.id))
        try output.list(
            rows, limit: nil, json: Report(rows: rows.map(InboxRowReport.init), next: next), table: .inbox(rows),
            ifEmpty: "There are no such rows in the inbox.")
        output.more(before: next)
    }
}

/// A row of the inbox, as JSON.
struct InboxRowReport: Encodable {
    let id: Int64
    let source: String
    let tenant: String
    let webhookId: String
    let eventType: String?
    let correlation: String?
    let contentType: String?
    let remoteAddress: String?
    let receivedAt: String
    let duplicates: Int32
    let status: String
    let attempts: Int32
    let dueAt: String?
    let finishedAt: String?
    let lastError: String?

    init(_ row: InboxRow) {
        id = row.id
        source = row.source
        tenant = row.tenant
        webhookId = row.webhookID
        eventType = row.eventType
        correlation = row.correlation
        contentType = row.contentType
        remoteAddress = row.remoteAddress
        receivedAt = row.receivedAt.description
        duplicates = row.duplicates
        status = row.status
        attempts = row.attempts
        dueAt = row.dueAt?.description
        finishedAt = row.finishedAt?.description
        lastError = row.lastError
    }
}

extension Table {
    static func inbox(_ rows: [InboxRow]) -> Table {
        var table = Table([
            .identifier("ID"), .name("SOURCE"), .text("TYPE"), .text("CORRELATION"), .state("STATUS"),
            .number("TRIES"), .text("LAST ERROR"), .identifier("CAME"),
        ])
        for row in rows {
            table.add(
                "\(row.id)", row.source, row.eventType ?? "-", row.correlation ?? "-", row.status, "\(row.attempts)",
                row.lastError ?? "-", Age.text(row.age))
        }
        return table
    }
}
