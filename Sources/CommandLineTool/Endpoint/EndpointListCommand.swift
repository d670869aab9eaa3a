import ArgumentParser
import Outbox
import OutboxStore
import Postgres

struct EndpointListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List endpoints and the deliveries that wait for them.",
        discussion: """
            PENDING was not tried yet, RETRYING failed and is tried again, HELD waits until the endpoint is resumed. WAITING \
            is how long the oldest delivery has been due. A + after a number means that counting stopped there.

            Example:
              postrider endpoint list --json
            """)

    @Option(help: ArgumentHelp("The most endpoints to list.", valueName: "n"))
    var limit = 1000

    @OptionGroup var find: EndpointFindOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let endpoints: [EndpointReport]
        /// What `--after` and `--after-tenant` take for the next page.
        let next: String?
        let nextTenant: String?
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try Bounded.limit(limit)
        let search = try find.search()
        let endpoints =
            search == Endpoints.Search()
            ? try await context.run(Endpoints.list(limit: limit)) : try await found(search, limit, context)
        let next = endpoints.count == Int(limit) ? endpoints.last : nil
        try output.list(
            endpoints, limit: nil,
            json: Report(
                endpoints: endpoints.map(EndpointReport.init), next: next?.name, nextTenant: next?.tenant),
            table: .endpoints(endpoints),
            ifEmpty: search == Endpoints.Search()
                ? "There are no endpoints yet. Add one: postrider endpoint add NAME URL"
                : "There are no such endpoints.")
        if let next, !output.isJSON {
            let tenant = next.tenant.isEmpty ? "" : " --after-tenant \(ShellWord(next.tenant))"
            output.remark(
                "There may be more: --after \(ShellWord(next.name))\(tenant) lists those behind it, --limit more at once."
            )
        }
    }

    /// Mostly a few out of many, so each is counted by itself.
    private func found(
        _ search: Endpoints.Search, _ limit: Int32, _ context: CommandContext
    ) async throws -> [EndpointOverview] {
        let progress = Progress("waiting for the database")
        return try await context.withDatabase(progress: progress) { connection in
            var endpoints: [EndpointOverview] = []
            for endpoint in try await connection.rows(Endpoints.find(search, limit: limit)) {
                endpoints += try await connection.rows(Endpoints.list(endpoint, limit: 1))
                progress.say("counted for \(endpoints.count) endpoints")
            }
            return endpoints
        }
    }
}

/// An endpoint with the counts of its deliveries, as JSON.
struct EndpointReport: Encodable {
    let endpoint: String
    let tenant: String
    let url: String
    let state: String
    let stateReason: String?
    let eventTypes: [String]
    let pending: Int64
    let inFlight: Int64
    let retrying: Int64
    let held: Int64
    let blocked: Int64
    let deadLetters: Int64
    let oldestDueAgeSeconds: Double?
    let oldestBlockedAgeSeconds: Double?
    let consecutiveFailures: Int32
    let failingSeconds: Double?
    let lastSuccessAt: String?
    let lastFailureAt: String?
    let lastHttpStatus: Int32?
    let lastErrorCode: String?
    let lastError: String?
    let countsCapped: Bool
    let nextProbeAt: String?

    init(_ endpoint: EndpointOverview) {
        self.endpoint = endpoint.name
        tenant = endpoint.tenant
        url = endpoint.url
        state = endpoint.state
        stateReason = endpoint.stateReason
        eventTypes = endpoint.eventTypes
        pending = endpoint.pending
        inFlight = endpoint.inFlight
        retrying = endpoint.retrying
        held = endpoint.held
        blocked = endpoint.blocked
        deadLetters = endpoint.deadLetters
        oldestDueAgeSeconds = endpoint.oldestDueAge.map(Seconds.number)
        oldestBlockedAgeSeconds = endpoint.oldestBlockedAge.map(Seconds.number)
        consecutiveFailures = endpoint.consecutiveFailures
        failingSeconds = endpoint.failingFor.map(Seconds.number)
        lastSuccessAt = endpoint.lastSuccessAt?.description
        lastFailureAt = endpoint.lastFailureAt?.description
        lastHttpStatus = endpoint.lastHTTPStatus
        lastErrorCode = endpoint.lastErrorCode
        lastError = endpoint.lastError
        countsCapped = endpoint.isCapped
        nextProbeAt = endpoint.nextProbeAt?.description
    }
}

extension Table {
    static func endpoints(_ endpoints: [EndpointOverview]) -> Table {
        // Few have tenants, and those who have need to tell two endpoints of one name apart.
        let hasTenants = endpoints.contains { !$0.tenant.isEmpty }
        var table = Table(
            [.name("ENDPOINT")] + (hasTenants ? [.name("TENANT")] : []) + [
                .state("STATE"), .url("URL"), .text("EVENTS"), .number("PENDING"),
                .number("RETRYING"), .number("HELD"), .number("DEAD"), .number("WAITING"),
            ])
        for endpoint in endpoints {
            func count(_ number: Int64) -> String { CappedCount.text(number, isCapped: endpoint.isCapped) }
            table.add(
                [endpoint.name] + (hasTenants ? [endpoint.tenant] : []) + [
                    endpoint.state, endpoint.url, endpoint.eventTypes.joined(separator: ","),
                    count(endpoint.pending), count(endpoint.retrying), count(endpoint.held),
                    count(endpoint.deadLetters), endpoint.oldestDueAge.map(Lag.text) ?? "-",
                ])
        }
        return table
    }
}
