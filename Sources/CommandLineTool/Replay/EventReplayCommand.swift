import ArgumentParser
import Outbox
import OutboxStore
import Postgres

struct EventReplayCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Send events again, whatever became of them: a job that workers do at a rate.",
        discussion: """
            The command begins the job and returns; postrider replay list says how far it is, postrider replay cancel ends it. It \
            is about deliveries that have ended: what is still owed is not sent twice. Receivers get the same webhook-id, unless \
            --new-id is given. Events that have expired or were cancelled are left and counted apart, unless --ignore-expiry is \
            given. --status no_subscriber sends events that matched nothing to those who subscribe now. --dry-run counts and \
            changes nothing. --since and --until are about when events were published: a moment such as \
            2024-11-20T12:00:00Z, or a length of time before now such as 2h.

            Example:
              postrider event replay --endpoint billing --since 2h --dry-run
              postrider event replay 4711
            """)

    @Argument(help: "Numbers of events, or their webhook ids, evt_….")
    var ids: [String] = []

    @Option(help: ArgumentHelp("What went to this endpoint.", valueName: "name"), completion: .endpointName)
    var endpoint: String?

    @Flag(help: "All events there are.")
    var all = false

    @Option(help: ArgumentHelp("Of these only events of this tenant.", valueName: "tenant"))
    var tenant: String?

    @Option(
        name: [.customLong("type"), .customLong("event-type")],
        help: ArgumentHelp("Of these only events of this type: order.paid, order.* or *.", valueName: "pattern"))
    var type: String?

    @Option(
        help: ArgumentHelp(
            "Of these only deliveries that ended so: delivered, dead, expired, cancelled, filtered, superseded, no_subscriber.",
            valueName: "status"))
    var status: String?

    @Option(help: ArgumentHelp("Of these only those of this time or later.", valueName: "time"), transform: Moment.init)
    var since: Moment?

    @Option(help: ArgumentHelp("Of these only those before this time.", valueName: "time"), transform: Moment.init)
    var until: Moment?

    @Option(help: ArgumentHelp("Deliveries a second, from 1 to 10000.", valueName: "n"))
    var rate: Int32 = 100

    @Flag(name: .customLong("new-id"), help: "Publish them as new events, with a webhook-id of their own.")
    var isNew = false

    @Flag(help: "Send those too that have expired or were cancelled.")
    var ignoreExpiry = false

    @Flag(help: "Count them and change nothing.")
    var dryRun = false

    @Option(help: ArgumentHelp("The reason, for the record.", valueName: "text"))
    var why: String?

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    /// The most events that can be named.
    private static let most = 10_000

    private struct Report: Encodable {
        /// The job; absent with --dry-run.
        let replayId: Int64?
        let dryRun: Bool
        /// With --dry-run: what it would do.
        var replayed: Int64?
        var expired: Int64?
        var cancelled: Int64?
        var unfit: Int64?
        /// Whether all was counted.
        var complete: Bool?
    }

    func validate() throws {
        let isNamed = !ids.isEmpty || endpoint != nil
        guard isNamed != all else {
            throw ValidationError("Give one of these: IDs, --endpoint NAME, or --all.")
        }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let rate = try Bounded.check(rate, of: "--rate", in: 1...10_000)
        let fixed = try selection()
        if dryRun || !confirmation.yes && context.inputIsTerminal && ids.isEmpty {
            let preview = try await context.withDatabase(progress: Progress("counting")) { connection in
                try await connection.rows(Replays.preview(complete(fixed, connection))).first
            }
            guard let preview else { throw CommandError(.failure, "the database did not count") }
            guard !dryRun else { return try show(preview, output) }
            try Confirmation(confirmation, output, in: context).ask(
                "Send \(Self.count(preview)) again, \(rate) a second?")
        }
        let id = try await context.withDatabase { connection in
            try await connection.rows(
                Replays.begin(complete(fixed, connection), rate: rate, isNew: isNew, why: why)
            ).first
        }
        guard !output.isJSON else { return try output.json(Report(replayId: id, dryRun: false)) }
        output.line("Replay \(id ?? 0) began: workers make up to \(rate) deliveries a second.")
        output.remark("postrider replay list shows how far it is.")
    }

    private func selection() throws -> Replays.Selection {
        var selection = Replays.Selection()
        selection.endpoint = endpoint
        selection.isOfAll = all
        selection.tenant = try tenant.map { try Tenant.check($0) }
        selection.type = try type.map { "\(try EventTypePattern($0))" }
        selection.status = status
        selection.ignoresExpiry = ignoreExpiry
        _ = try Bounded.check(ids.count, of: "the number of events", in: 0...Self.most)
        return selection
    }

    /// With what only the database can say.
    private func complete(
        _ fixed: Replays.Selection, _ connection: PostgresConnection
    ) async throws -> Replays.Selection {
        var selection = fixed
        if let endpoint {
            try await connection.requireEndpoint(EndpointReference(endpoint, tenant: selection.tenant))
        }
        var numbers: [Int64] = []
        for id in ids { numbers.append(try await connection.requireEvent(try EventReference(id)).id) }
        selection.ids = numbers.isEmpty ? nil : numbers
        if since != nil || until != nil {
            let now = try await connection.readClock()
            selection.since = since?.ago(from: now)
            selection.until = until?.ago(from: now)
        }
        return selection
    }

    private static func count(_ preview: ReplayPreview) -> String {
        (preview.isComplete ? "" : "at least ") + Plural.deliveries(preview.replayed)
    }

    private func show(_ preview: ReplayPreview, _ output: Output) throws {
        guard !output.isJSON else {
            return try output.json(
                Report(
                    replayId: nil, dryRun: true, replayed: preview.replayed, expired: preview.expired,
                    cancelled: preview.cancelled, unfit: preview.unfit, complete: preview.isComplete))
        }
        output.line("Would replay \(Self.count(preview)); nothing was changed.")
        if preview.expired + preview.cancelled > 0 {
            output.line(
                "Left: \(preview.expired) expired, \(preview.cancelled) cancelled; --ignore-expiry sends them all the same."
            )
        }
        if preview.unfit > 0 {
            output.line("Left: \(preview.unfit), whose endpoint was removed or which had too many attempts.")
        }
    }
}
