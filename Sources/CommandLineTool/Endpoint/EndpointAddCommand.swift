import ArgumentParser
import Outbox
import OutboxStore
import Webhooks
import Worker

struct EndpointAddCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add an endpoint.",
        discussion: """
            Without --event-type the endpoint gets every event. Without --secret a new signing secret is made and shown \
            once. Other users can see arguments in the list of processes. To avoid that, give --secret - and write the \
            secret to standard input.

            Example:
              postrider endpoint add billing https://billing.example.com/hooks \\
                --event-type 'order.*'
            """)

    @Argument(help: "The name of the endpoint.")
    var name: String

    @Argument(help: "The URL, such as https://example.com/hooks.")
    var url: String

    @OptionGroup var settings: EndpointOptions

    @Option(help: ArgumentHelp("The signing secret, whsec_…; - reads it from standard input.", valueName: "secret"))
    var secret: String?

    @Option(
        help: ArgumentHelp("The Ed25519 key for v1a, whsk_…; - reads it from standard input.", valueName: "key"))
    var signingKey: String?

    @Option(help: "The tenant of the endpoint. It gets only events of this tenant.")
    var tenant = ""

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let endpoint: String
        let url: String
        let tenant: String
        let eventTypes: [String]
        /// Only when it was made here.
        let secret: String?
        let secretFingerprint: String
        /// Only with `v1a`.
        let publicKey: String?
    }

    func validate() throws {
        guard [secret, signingKey, settings.sending.auth].count(where: { $0 == "-" }) <= 1 else {
            throw ValidationError("Only one of --secret, --signing-key and --auth can be read from standard input.")
        }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(self.options, in: context)
        let configuration = try context.configuration()
        let name = try EndpointName(name).text
        let policy = EndpointPolicy(configuration)
        let options = self.settings
        var settings = try options.settings(url: url, policy: policy)
        let tenant = try Tenant.check(tenant)
        let secret = try SigningSecret(
            given: secret, key: signingKey, schemes: try options.sending.schemes() ?? .standard, in: context)
        let seal = EndpointSeal(endpoint: name, tenant: tenant, sealing: try SigningSecret.sealing(configuration))
        try options.sending.apply(to: &settings, seal, policy: policy, in: context)
        if let key = secret.key { settings.take(try seal.stored(key)) }
        _ = try await context.run(
            Endpoints.register(name, tenant: tenant, secret: try secret.stored(seal), settings: settings))
        defer { secret.tellIfUnseen(of: name, in: context) }
        let report = Report(
            endpoint: name, url: settings.url ?? url, tenant: tenant, eventTypes: settings.eventTypes ?? ["*"],
            secret: secret.shown, secretFingerprint: secret.fingerprint, publicKey: secret.publicKey)
        guard !output.isJSON else { return try output.json(report) }
        output.line("Added endpoint \(name) at \(report.url), for \(report.eventTypes.joined(separator: ", ")).")
        if let secret = report.secret {
            output.line("Its signing secret, which is not shown again: \(secret)")
        }
        if let key = report.publicKey { output.line("Its public key, for receivers that verify v1a: \(key)") }
        if let verify = settings.verify, verify != Verification.none.rawValue {
            output.line("Its receiver is asked whether it agrees; until then its events are held.")
        }
        output.remark("Try it with: postrider endpoint test \(ShellWord(name))")
    }
}
