import ArgumentParser
import OutboxStore
import Postgres

struct ExpectationListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List callbacks that are waited for, came, or never came, the newest first.",
        discussion: """
            Those that are missed stay until they are withdrawn; others that have ended, for as long as events are kept.

            Example:
              postrider expectation list --state missed
            """)

    @Option(
        help: ArgumentHelp(
            "Only of this state: \(Expectations.states.joined(separator: ", ")).", valueName: "state"),
        completion: .list(Expectations.states))
    var state: String?

    @OptionGroup var find: ReceivedListOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let expectations: [ExpectationReport]
        /// What `--before` takes for the next page.
        let next: Int64?
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try Bounded.limit(find.limit)
        var search = Expectations.Search()
        search.source = find.source
        search.state = try Bounded.word(state, of: "--state", among: Expectations.states)
        search.correlation = find.correlation
        search.before = find.before
        let rows = try await context.withDatabase { [search] connection in
            try await find.checkSource(connection)
            return try await connection.rows(Expectations.list(search, limit: limit))
        }
        let next = find.next(after: rows.map(\.id))
        try output.list(
            rows, limit: nil, json: Report(expectations: rows.map(ExpectationReport.init), next: next),
            table: .expectations(rows), ifEmpty: "There are no such expectations.")
        output.more(before: next)
    }
}

/// An expectation, as JSON.
struct ExpectationReport: Encodable {
    let id: Int64
    let correlation: String
    let source: String?
    let tenant: String
    let state: String
    let otherwise: String
    let withinSeconds: Double
    let dueAt: String?
    let polls: Int32
    let lastPollAt: String?
    let lastPollStatus: Int32?
    let lastError: String?
    let pollUrl: String?
    let pollEverySeconds: Double?
    let pollUntil: String?
    let doneWhen: String?
    let eventId: Int64?
    let redeliveredAt: String?
    let inboxId: Int64?
    let createdAt: String
    let endedAt: String?

    init(_ row: ExpectationRow) {
        id = row.id
        correlation = row.correlation
        source = row.source
        tenant = row.tenant
        state = row.state
        otherwise = row.otherwise
        withinSeconds = Seconds.number(row.within)
        dueAt = row.dueAt?.description
        polls = row.polls
        lastPollAt = row.lastPollAt?.description
        lastPollStatus = row.lastPollStatus
        lastError = row.lastError
        pollUrl = row.pollURL
        pollEverySeconds = row.pollURL == nil ? nil : Seconds.number(row.pollEvery)
        pollUntil = row.pollUntil?.description
        doneWhen = row.doneWhen
        eventId = row.event
        redeliveredAt = row.redeliveredAt?.description
        inboxId = row.inboxID
        createdAt = row.createdAt.description
        endedAt = row.endedAt?.description
    }
}

extension Table {
    static func expectations(_ rows: [ExpectationRow]) -> Table {
        var table = Table([
            .identifier("ID"), .name("SOURCE"), .text("CORRELATION"), .state("STATE"), .text("OTHERWISE"),
            .number("POLLS"), .text("LAST ERROR"), .identifier("MADE"),
        ])
        for row in rows {
            table.add(
                "\(row.id)", row.source ?? "-", row.correlation, row.state, row.otherwise, "\(row.polls)",
                row.lastError ?? "-", Age.text(row.age))
        }
        return table
    }
}
