import ArgumentParser
import Outbox
import OutboxStore
import Postgres

/// Which of many an act is about, and how it is done.
struct BulkOptions: ParsableArguments {
    @Option(help: ArgumentHelp("All of this endpoint.", valueName: "name"), completion: .endpointName)
    var endpoint: String?

    @Flag(help: "All there are.")
    var all = false

    @Option(
        help: ArgumentHelp(
            "The tenant of that endpoint, where several tenants have one of its name; with --all, of this tenant alone.",
            valueName: "tenant"))
    var tenant: String?

    @Option(
        name: [.customLong("type"), .customLong("event-type")],
        help: ArgumentHelp("Of these only events of this type: order.paid, order.* or *.", valueName: "pattern"))
    var type: String?

    @Option(help: ArgumentHelp("Of these only those of this time or later.", valueName: "time"), transform: Moment.init)
    var since: Moment?

    @Option(help: ArgumentHelp("Of these only those before this time.", valueName: "time"), transform: Moment.init)
    var until: Moment?

    @Option(
        name: [.customLong("limit"), .customLong("max")],
        help: ArgumentHelp("The most of these; then it stops.", valueName: "n"))
    var limit: Int?

    @Flag(help: "Count them and change nothing.")
    var dryRun = false

    /// The most that one command does.
    static let most = 10_000_000

    func validate() throws {
        if endpoint == nil, !all, tenant != nil || type != nil || since != nil || until != nil || limit != nil {
            throw ValidationError("--tenant, --type, --since, --until and --limit go with --endpoint or --all.")
        }
        if endpoint != nil, all { throw ValidationError("Give either --endpoint NAME or --all.") }
    }

    /// Whether it is about many, and not about one that is named.
    var isWide: Bool { endpoint != nil || all }

    func checkedLimit() throws(CommandError) -> Int {
        guard let limit else { return Self.most }
        return try Bounded.check(limit, of: "--limit", in: 1...Self.most)
    }

    func checkedTenant() throws(CommandError) -> String? {
        guard let tenant else { return nil }
        return try Tenant.check(tenant)
    }

    /// The endpoint that it is about; nil when none is named.
    func reference() throws(CommandError) -> EndpointReference? {
        guard let endpoint else { return nil }
        return EndpointReference(endpoint, tenant: try checkedTenant())
    }

    func checkedType() throws -> String? { try type.map { "\(try EventTypePattern($0))" } }

    /// What it is about, by the clock of the database.
    func selection(_ connection: PostgresConnection) async throws -> BulkActs.Selection {
        var selection = BulkActs.Selection()
        selection.endpoint = endpoint
        selection.tenant = try checkedTenant()
        selection.type = try checkedType()
        if since != nil || until != nil {
            let now = try await connection.readClock()
            selection.since = since?.ago(from: now)
            selection.until = until?.ago(from: now)
        }
        return selection
    }

    /// The same in a sentence, such as ` of endpoint billing`.
    var words: String {
        (endpoint.map { " of endpoint \($0)" } ?? "") + (tenant.map { $0.isEmpty ? "" : " of tenant \($0)" } ?? "")
    }
}

extension BulkOptions {
    /// A reason is part of the record of what cannot be taken back for many.
    func requireReason(_ why: String?) throws {
        guard isWide, !dryRun, why?.contains(where: { !$0.isWhitespace }) != true else { return }
        throw ValidationError("--why is needed with --endpoint and --all: the record keeps it.")
    }
}
