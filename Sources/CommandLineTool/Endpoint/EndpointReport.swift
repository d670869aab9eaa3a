import OutboxStore
import Postgres

/// An endpoint with what is owed to it, as JSON.
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
    let deadLetters: Int64
    let oldestDueAgeSeconds: Double?
    let consecutiveFailures: Int32
    let lastSuccessAt: String?
    let lastFailureAt: String?
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
        deadLetters = endpoint.deadLetters
        oldestDueAgeSeconds = endpoint.oldestDueAge.map(Seconds.number)
        consecutiveFailures = endpoint.consecutiveFailures
        lastSuccessAt = endpoint.lastSuccessAt?.description
        lastFailureAt = endpoint.lastFailureAt?.description
        countsCapped = endpoint.isCapped
    }
}

extension Table {
    /// Endpoints at a glance.
    static func endpoints(_ endpoints: [EndpointOverview]) -> Table {
        var table = Table([
            .name("ENDPOINT"), .state("STATE"), .text("URL"), .text("EVENTS"), .number("PENDING"),
            .number("RETRYING"), .number("HELD"), .number("DEAD"), .number("WAITING"),
        ])
        for endpoint in endpoints {
            func count(_ number: Int64) -> String { CappedCount.text(number, isCapped: endpoint.isCapped) }
            table.add(
                endpoint.name, endpoint.state, endpoint.url, endpoint.eventTypes.joined(separator: ","),
                count(endpoint.pending + endpoint.inFlight), count(endpoint.retrying), count(endpoint.held),
                count(endpoint.deadLetters), endpoint.oldestDueAge.map(Lag.text) ?? "-")
        }
        return table
    }
}
