import ArgumentParser
import OutboxStore
import Postgres
import Settings

struct SourceShowCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a source: its settings and counts. Secrets are never shown.",
        discussion: """
            Example:
              postrider source show github
            """)

    @Argument(help: "The name of the source.", completion: .sourceName)
    var name: String

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let details = try await context.withDatabase { try await SourceDetails.read(name, from: $0) }
        guard !output.isJSON else { return try output.json(SourceDetailsReport(details)) }
        details.show(on: output)
    }
}

/// All that can be shown of a source.
struct SourceDetails: Sendable {
    let overview: SourceOverview
    let setup: SourceSetup

    static func read(_ name: String, from connection: PostgresConnection) async throws -> SourceDetails {
        let (overview, setup) = try await connection.pipeline(
            WebhookSources.list(name: name, limit: 1), WebhookSources.setup(name),
            deadline: CommandContext.statementDeadline)
        guard let overview = overview.first, let setup = setup.first else { throw CommandError.unknownSource(name) }
        return SourceDetails(overview: overview, setup: setup)
    }

    func show(on output: Output) {
        func list(_ texts: [String]) -> String? { texts.isEmpty ? nil : texts.joined(separator: ", ") }
        output.fields([
            ("Source", overview.name), ("Tenant", overview.tenant.isEmpty ? nil : overview.tenant),
            ("Path", "/in/\(overview.name)"), ("Scheme", overview.scheme), ("Secrets", "\(setup.secrets)"),
            ("Event type from", setup.eventTypeFrom), ("Id from", setup.idFrom),
            ("Correlation from", setup.correlationFrom),
            ("Networks that may send", list(setup.allowNetworks) ?? "all"),
            ("Trusted proxies", list(setup.trustProxies)),
            ("Largest body", ByteSize.format(Int(clamping: setup.maxBody))),
            ("Requests a second", setup.rateLimit.map { "\($0)" } ?? "no limit"),
            ("Tolerance", DurationText.format(setup.tolerance)), ("Published as", overview.publishAs),
            ("Retry schedule", setup.retrySchedule.map(DurationText.format).joined(separator: ",")),
            ("Queued", SourceCount.text(overview.queued)), ("Retrying", SourceCount.text(overview.retrying)),
            ("Dead", SourceCount.text(overview.dead)), ("Oldest due for", overview.oldestDueAge.map(Lag.text)),
            ("Last received", overview.lastReceivedAt?.description ?? "never"),
            ("Added", setup.createdAt.description), ("Changed", setup.updatedAt.description),
        ])
    }
}

/// A source in full, as JSON: the keys of ``SourceReport`` and those of its settings in one object.
struct SourceDetailsReport: Encodable {
    private struct Settings: Encodable {
        let path: String
        let secrets: Int32
        let eventTypeFrom: String?
        let idFrom: String?
        let correlationFrom: String?
        let allowNetworks: [String]
        let trustProxies: [String]
        let maxBodyBytes: Int64
        let rateLimit: Double?
        let toleranceSeconds: Double
        let retryScheduleSeconds: [Double]
        let createdAt: String
        let updatedAt: String
    }

    private let overview: SourceReport
    private let settings: Settings

    init(_ details: SourceDetails) {
        overview = SourceReport(details.overview)
        let setup = details.setup
        settings = Settings(
            path: "/in/\(details.overview.name)", secrets: setup.secrets, eventTypeFrom: setup.eventTypeFrom,
            idFrom: setup.idFrom, correlationFrom: setup.correlationFrom, allowNetworks: setup.allowNetworks,
            trustProxies: setup.trustProxies, maxBodyBytes: setup.maxBody, rateLimit: setup.rateLimit,
            toleranceSeconds: Seconds.number(setup.tolerance),
            retryScheduleSeconds: setup.retrySchedule.map(Seconds.number), createdAt: setup.createdAt.description,
            updatedAt: setup.updatedAt.description)
    }

    func encode(to encoder: any Encoder) throws {
        try overview.encode(to: encoder)
        try settings.encode(to: encoder)
    }
}
