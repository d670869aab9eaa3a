import ArgumentParser
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

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let endpoints: [EndpointReport]
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try Bounded.limit(limit)
        let endpoints = try await context.run(Endpoints.list(limit: limit))
        try output.list(
            endpoints, limit: limit, json: Report(endpoints: endpoints.map(EndpointReport.init)),
            table: .endpoints(endpoints),
            ifEmpty: "There are no endpoints yet. Add one: postrider endpoint add NAME URL")
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
    }
}

extension Table {
    static func endpoints(_ endpoints: [EndpointOverview]) -> Table {
        var table = Table([
            .name("ENDPOINT"), .state("STATE"), .url("URL"), .text("EVENTS"), .number("PENDING"),
            .number("RETRYING"), .number("HELD"), .number("DEAD"), .number("WAITING"),
        ])
        for endpoint in endpoints {
            func count(_ number: Int64) -> String { CappedCount.text(number, isCapped: endpoint.isCapped) }
            table.add(
                endpoint.name, endpoint.state, endpoint.url, endpoint.eventTypes.joined(separator: ","),
                count(endpoint.pending), count(endpoint.retrying), count(endpoint.held),
                count(endpoint.deadLetters), endpoint.oldestDueAge.map(Lag.text) ?? "-")
        }
        return table
    }
}
