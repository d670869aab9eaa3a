import Outbox
import OutboxStore
import Postgres

/// All that can be shown of an endpoint.
struct EndpointDetails: Sendable {
    let overview: EndpointOverview
    let settings: EndpointSetup

    /// Reads it, or fails with a line that names it.
    static func read(_ name: String, from connection: PostgresConnection) async throws -> EndpointDetails {
        let (overview, settings) = try await connection.pipeline(
            Endpoints.list(name: name, limit: 1), Endpoints.setup(name),
            deadline: CommandContext.statementDeadline)
        guard let overview = overview.first, let settings = settings.first else {
            throw CommandError.unknownEndpoint(name)
        }
        return EndpointDetails(overview: overview, settings: settings)
    }

    func show(on output: Output) {
        func count(_ number: Int64) -> String { CappedCount.text(number, isCapped: overview.isCapped) }
        output.fields([
            ("Endpoint", overview.name), ("Tenant", overview.tenant.isEmpty ? nil : overview.tenant),
            ("URL", overview.url),
            ("State", overview.state + (overview.stateReason.map { ", \($0)" } ?? "")),
            ("Events", overview.eventTypes.joined(separator: ", ")),
            ("Payload format", settings.payloadFormat),
            ("Retry schedule", settings.retrySchedule.map(DurationText.format).joined(separator: ",")),
            ("Attempts at most", "\(settings.maxAttempts)"), ("Timeout", DurationText.format(settings.timeout)),
            ("In flight at most", settings.maxInFlight.map { "\($0)" } ?? "no limit"),
            ("Requests a second", settings.rateLimit.map { "\($0)" } ?? "no limit"),
            ("Headers", settings.headerNames.isEmpty ? nil : settings.headerNames.joined(separator: ", ")),
            ("Signing secrets", "\(settings.secrets)"),
            ("Pending", count(overview.pending)), ("In flight", count(overview.inFlight)),
            ("Retrying", count(overview.retrying)), ("Held", count(overview.held)),
            ("Dead letters", count(overview.deadLetters)),
            ("Oldest due for", overview.oldestDueAge.map(Lag.text)),
            ("Failures in a row", "\(overview.consecutiveFailures)"),
            ("Last success", overview.lastSuccessAt?.description ?? "never"),
            ("Last failure", overview.lastFailureAt?.description ?? "never"),
            ("Added", settings.createdAt.description), ("Changed", settings.updatedAt.description),
        ])
    }
}
