import ArgumentParser
import OutboxStore
import Postgres
import Settings
import Webhooks
import Worker

struct EndpointRotateSecretCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-secret",
        abstract: "Give an endpoint a new signing secret; for a while requests have both signatures.",
        discussion: """
            Without --secret a new secret is made and shown once. --secret - reads it from standard input, where the list \
            of processes does not show it. During the grace period requests are signed with the old secrets too, in each scheme \
            that can carry several signatures. An endpoint that is signed with v1a gets a new Ed25519 key as well.

            Example:
              postrider endpoint rotate-secret billing --grace 24h
            """)

    @OptionGroup var endpoint: EndpointArgument

    @Option(help: ArgumentHelp("The new secret, whsec_…; - reads it from standard input.", valueName: "secret"))
    var secret: String?

    @Option(
        help: ArgumentHelp("The new Ed25519 key for v1a, whsk_…; - reads it from standard input.", valueName: "key"))
    var signingKey: String?

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
        /// Only with `v1a`.
        let publicKey: String?
    }

    func validate() throws {
        guard secret != "-" || signingKey != "-" else {
            throw ValidationError("Only one of --secret and --signing-key can be read from standard input.")
        }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let configuration = try context.configuration()
        let grace = try Bounded.check(grace, of: "--grace", in: Self.graceBounds, DurationText.format)
        let sealing = try SigningSecret.sealing(configuration)
        let name = endpoint.name
        let reference = try endpoint.reference()
        let signing = try await context.withDatabase { connection in
            try await connection.rows(Endpoints.signing(try await connection.requireOneEndpoint(reference))).first
        }
        guard let signing else { throw CommandError.unknownEndpoint(reference) }
        let secret = try SigningSecret(
            given: secret, key: signingKey, schemes: try SignatureSchemes(signing.signature), in: context)
        try Confirmation(confirmation, output, in: context).ask("Give endpoint \(name) a new signing secret?")
        let seal = EndpointSeal(endpoint: name, tenant: signing.tenant, sealing: sealing)
        _ = try await context.run(
            Endpoints.rotateSecret(
                reference, secret: try secret.stored(seal), key: try secret.key.map(seal.stored), grace: grace))
        defer { secret.tellIfUnseen(of: name, in: context) }
        let shown = secret.shown
        guard !output.isJSON else {
            return try output.json(
                Report(
                    endpoint: name, secret: shown, secretFingerprint: secret.fingerprint,
                    graceSeconds: Seconds.number(grace), publicKey: secret.publicKey))
        }
        output.line(
            "Endpoint \(name) has a new signing secret; the old ones are used too for \(DurationText.format(grace)).")
        if let shown { output.line("The new secret, which is not shown again: \(shown)") }
        if let key = secret.publicKey { output.line("The new public key, for receivers that verify v1a: \(key)") }
    }
}
