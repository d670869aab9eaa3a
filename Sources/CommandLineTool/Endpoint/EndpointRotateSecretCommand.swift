import ArgumentParser
import OutboxStore
import Postgres
import Settings
import Webhooks

struct EndpointRotateSecretCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-secret",
        abstract: "Give an endpoint a new signing secret; for a while requests have both signatures.",
        discussion: """
            Without --secret a new secret is made and shown once. --secret - reads it from standard input, where the list \
            of processes does not show it. During the grace period requests are signed with the old secrets too.

            Example:
              postrider endpoint rotate-secret billing --grace 24h
            """)

    @Argument(help: "The name of the endpoint.", completion: .endpointName)
    var name: String

    @Option(help: ArgumentHelp("The new secret, whsec_…; - reads it from standard input.", valueName: "secret"))
    var secret: String?

    @Option(
        help: ArgumentHelp(
            "How long the old secrets are used too, up to 30d; 0s ends them now.", valueName: "duration"),
        transform: Parsing.duration)
    var grace = Duration.seconds(86_400)

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    static let graceBounds = Duration.zero...Duration.seconds(30 * 86_400)

    private struct Report: Encodable {
        let endpoint: String
        /// Only when it was made here.
        let secret: String?
        let secretFingerprint: String
        let graceSeconds: Double
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let configuration = try context.configuration()
        let grace = try Bounded.check(grace, of: "--grace", in: Self.graceBounds, DurationText.format)
        let secret = try SigningSecret(given: secret, in: context)
        try Confirmation(confirmation, output, in: context).ask("Give endpoint \(name) a new signing secret?")
        try await context.withDatabase { connection in
            guard let tenant = try await connection.rows(Endpoints.tenant(name)).first else {
                throw CommandError.unknownEndpoint(name)
            }
            let stored = try secret.stored(for: name, tenant: tenant, configuration)
            _ = try await connection.rows(Endpoints.rotateSecret(name, secret: stored, grace: grace))
        }
        defer { secret.tellIfUnseen(of: name, in: context) }
        let shown = secret.shown
        guard !output.isJSON else {
            return try output.json(
                Report(
                    endpoint: name, secret: shown, secretFingerprint: secret.secret.fingerprint,
                    graceSeconds: Seconds.number(grace)))
        }
        output.line(
            "Endpoint \(name) has a new signing secret; the old ones are used too for \(DurationText.format(grace)).")
        if let shown { output.line("The new secret, which is not shown again: \(shown)") }
    }
}
