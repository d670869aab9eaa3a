import ArgumentParser
import Outbox
import OutboxStore
import Postgres
import Settings

struct EndpointShowCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show an endpoint: its settings, counts and last results. Secrets are never shown.",
        discussion: """
            Example:
              postrider endpoint show billing
            """)

    @OptionGroup var endpoint: EndpointArgument

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let reference = try endpoint.reference()
        let details = try await context.withDatabase { try await EndpointDetails.read(reference, from: $0) }
        guard !output.isJSON else { return try output.json(EndpointDetailsReport(details)) }
        details.show(on: output)
    }
}

/// All that can be shown of an endpoint.
struct EndpointDetails: Sendable {
    let overview: EndpointOverview
    let settings: EndpointSetup

    /// Fails with an error that names the endpoint when there is none, or several.
    static func read(_ endpoint: EndpointReference, from connection: PostgresConnection) async throws -> EndpointDetails
    {
        let (overview, settings) = try await connection.pipeline(
            Endpoints.list(endpoint, limit: 2), Endpoints.setup(endpoint),
            deadline: CommandContext.statementDeadline)
        guard overview.count <= 1 else { throw CommandError.ambiguousEndpoint(endpoint) }
        guard let overview = overview.first, let settings = settings.first else {
            throw CommandError.unknownEndpoint(endpoint)
        }
        return EndpointDetails(overview: overview, settings: settings)
    }

    /// An endpoint after a change that is committed. Nil, with a remark, when it cannot be read: the change is made all the
    /// same, so the command must not end as if it were not.
    static func readBack(
        _ endpoint: EndpointReference, from connection: PostgresConnection, _ output: Output
    ) async -> EndpointDetails? {
        do {
            return try await read(endpoint, from: connection)
        } catch {
            output.remark("Endpoint \(endpoint.name) was changed, but could not be read afterwards: \(error)")
            return nil
        }
    }

    func show(on output: Output) {
        func count(_ number: Int64) -> String { CappedCount.text(number, isCapped: overview.isCapped) }
        output.fields([
            ("Endpoint", overview.name), ("Tenant", overview.tenant.isEmpty ? nil : overview.tenant),
            ("Description", settings.description),
            ("URL", overview.url),
            ("State", overview.state + (overview.stateReason.map { ", \($0)" } ?? "")),
            ("Events", overview.eventTypes.joined(separator: ", ")),
            ("Payload format", settings.payloadFormat), ("Text", settings.text),
            ("Method", settings.method), ("Signature", settings.signature.joined(separator: ", ")),
            ("Public keys", settings.publicKeys.isEmpty ? nil : settings.publicKeys.joined(separator: ", ")),
            ("Authorization", settings.auth == "none" ? nil : settings.auth),
            ("Client certificate", settings.clientCertificate.map { _ in "its own; --json shows it" }),
            ("Trusts", settings.ca.map { _ in "its own CA alone; --json shows it" }),
            ("Retry schedule", settings.retrySchedule.map(DurationText.format).joined(separator: ",")),
            ("Attempts at most", "\(settings.maxAttempts)"), ("Timeout", DurationText.format(settings.timeout)),
            ("In flight at most", settings.maxInFlight.map { "\($0)" } ?? "no limit"),
            ("Requests a second", settings.rateLimit.map { "\($0)" } ?? "no limit"),
            ("Headers", settings.headerNames.isEmpty ? nil : settings.headerNames.joined(separator: ", ")),
            (
                "Signing secrets",
                "\(settings.secrets)" + (settings.newestSecretAt.map { ", the newest since \($0)" } ?? "")
            ),
            (
                "Dead at once on",
                settings.permanentStatus.isEmpty ? nil : settings.permanentStatus.joined(separator: ",")
            ),
            ("Key after failure", settings.orderingFailure),
            ("Breaker", settings.breaker ? "on" : "off"),
            ("Disabled after", settings.disableAfter.map(DurationText.format) ?? "never"),
            ("Filter", settings.filter),
            ("Transform", settings.transform),
            ("Coalesces", settings.coalesce ? "the events of a key" : nil),
            (
                "Verified by",
                settings.verify == Verification.none.rawValue
                    ? nil : settings.verify + (settings.verifiedAt.map { ", agreed at \($0)" } ?? ", not yet")
            ),
            ("Receiver's limit", settings.allowedRate.map { "\($0) requests a second" }),
            ("Pending", count(overview.pending)), ("In flight", count(overview.inFlight)),
            ("Retrying", count(overview.retrying)), ("Blocked", count(overview.blocked)),
            ("Held", count(overview.held)),
            ("Dead letters", count(overview.deadLetters)),
            ("Oldest due for", overview.oldestDueAge.map(Lag.text)),
            (overview.state == "verifying" ? "Asked again" : "Next probe", overview.nextProbeAt?.description),
            ("Failures in a row", "\(overview.consecutiveFailures)"),
            ("Last success", overview.lastSuccessAt?.description ?? "never"),
            (
                "Last failure",
                (overview.lastFailureAt?.description ?? "never")
                    + (LastFailure.text(overview).map { ", \($0)" } ?? "")
            ),
            ("Added", settings.createdAt.description), ("Changed", settings.updatedAt.description),
        ])
    }
}

/// As JSON, an endpoint that was changed and could not be read afterwards.
struct ChangedEndpoint: Encodable {
    let endpoint: String
}

/// An endpoint in full, as JSON: the keys of ``EndpointReport`` and those of its settings in one object.
struct EndpointDetailsReport: Encodable {
    private struct Settings: Encodable {
        let payloadFormat: String
        let retryScheduleSeconds: [Double]
        let maxAttempts: Int32
        let timeoutSeconds: Double
        let maxInFlight: Int32?
        let rateLimit: Float?
        let headerNames: [String]
        let secrets: Int32
        let newestSecretAt: String?
        let createdAt: String
        let updatedAt: String
        let signature: [String]
        let publicKeys: [String]
        let auth: String
        let clientCertificate: String?
        let ca: String?
        let method: String
        let text: String?
        let permanentStatus: [String]
        let orderingFailure: String
        let breaker: Bool
        /// Missing for never.
        let disableAfterSeconds: Double?
        let filter: String?
        let transform: String?
        let coalesce: Bool
        let verify: String
        let verifiedAt: String?
        let allowedRate: Float?
        let description: String?
    }

    private let overview: EndpointReport
    private let settings: Settings

    init(_ details: EndpointDetails) {
        overview = EndpointReport(details.overview)
        let settings = details.settings
        self.settings = Settings(
            payloadFormat: settings.payloadFormat, retryScheduleSeconds: settings.retrySchedule.map(Seconds.number),
            maxAttempts: settings.maxAttempts, timeoutSeconds: Seconds.number(settings.timeout),
            maxInFlight: settings.maxInFlight, rateLimit: settings.rateLimit, headerNames: settings.headerNames,
            secrets: settings.secrets, newestSecretAt: settings.newestSecretAt?.description,
            createdAt: settings.createdAt.description,
            updatedAt: settings.updatedAt.description, signature: settings.signature,
            publicKeys: settings.publicKeys, auth: settings.auth, clientCertificate: settings.clientCertificate,
            ca: settings.ca, method: settings.method, text: settings.text,
            permanentStatus: settings.permanentStatus, orderingFailure: settings.orderingFailure,
            breaker: settings.breaker, disableAfterSeconds: settings.disableAfter.map(Seconds.number),
            filter: settings.filter,
            transform: settings.transform,
            coalesce: settings.coalesce,
            verify: settings.verify, verifiedAt: settings.verifiedAt?.description, allowedRate: settings.allowedRate,
            description: settings.description)
    }

    func encode(to encoder: any Encoder) throws {
        try overview.encode(to: encoder)
        try settings.encode(to: encoder)
    }
}
