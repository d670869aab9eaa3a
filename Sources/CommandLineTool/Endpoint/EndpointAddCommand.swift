import ArgumentParser
import Outbox
import OutboxStore
import Webhooks

/// `postrider endpoint add`: registers an endpoint.
struct EndpointAddCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add an endpoint.",
        discussion: """
            Without --event-type it gets every event. Without --secret a signing secret is made and shown once. Arguments
            can be seen in the list of processes: give --secret - and the secret on standard input.

            Example:
              postrider endpoint add billing https://billing.example.com/hooks --event-type 'order.*'
            """)

    @Argument(help: "What to call it.")
    var name: String

    @Argument(help: "Where it is, such as https://example.com/hooks.")
    var url: String

    @OptionGroup var settings: EndpointOptions

    @Option(help: ArgumentHelp("The signing secret, whsec_…; - reads it from standard input.", valueName: "secret"))
    var secret: String?

    @Option(help: "Whose it is: it gets events of its own tenant only.")
    var tenant = ""

    @OptionGroup var options: OutputOptions

    /// What was added, as JSON.
    private struct Report: Encodable {
        let endpoint: String
        let url: String
        let tenant: String
        let eventTypes: [String]
        /// Only when it was made here.
        let secret: String?
        let secretFingerprint: String
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let configuration = try context.configuration()
        let name = try EndpointName(name).text
        let settings = try settings.settings(url: url, policy: EndpointPolicy(configuration))
        let tenant = try Tenant.check(tenant)
        let secret = try SigningSecret(given: secret, in: context)
        let stored = try secret.stored(for: name, tenant: tenant, configuration)
        _ = try await context.run(
            Endpoints.register(name, tenant: tenant, secret: stored, settings: settings))
        let report = Report(
            endpoint: name, url: settings.url ?? url, tenant: tenant, eventTypes: settings.eventTypes ?? ["*"],
            secret: secret.isNew ? secret.secret.revealed : nil, secretFingerprint: secret.secret.fingerprint)
        guard !output.isJSON else { return try output.json(report) }
        output.line("Added endpoint \(name) at \(report.url), for \(report.eventTypes.joined(separator: ", ")).")
        if let secret = report.secret {
            output.line("Its signing secret, shown this once: \(secret)")
        }
        output.remark("Try it with: postrider endpoint test \(ShellWord(name))")
    }
}
