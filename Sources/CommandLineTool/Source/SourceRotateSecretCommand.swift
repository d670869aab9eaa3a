import ArgumentParser
import OutboxStore
import Postgres
import Settings

struct SourceRotateSecretCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-secret",
        abstract: "Have a source accept a new secret; for a while the old ones are accepted too.",
        discussion: """
            Without --secret one is made and shown once, where the sender's side takes one. --secret - reads it from standard \
            input, where the list of processes does not show it.

            Example:
              postrider source rotate-secret github --secret - --grace 24h
            """)

    @Argument(help: "The name of the source.", completion: .sourceName)
    var name: String

    @Option(help: ArgumentHelp("The new secret; - reads it from standard input.", valueName: "secret"))
    var secret: String?

    @Option(
        help: ArgumentHelp(
            "How long the old secrets are accepted too, up to 30d; 0s ends them now.", valueName: "duration"),
        transform: Parsing.duration)
    var grace = Duration.seconds(86_400)

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let source: String
        /// Only when it was made here.
        let secret: String?
        let graceSeconds: Double
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let grace = try Bounded.check(
            grace, of: "--grace", in: EndpointRotateSecretCommand.graceBounds, DurationText.format)
        let secrets = try SourceSecrets(in: context)
        let given = try secret.map(secrets.text)
        let setup = try await context.withDatabase { try await SourceDetails.read(name, from: $0) }.overview
        try Confirmation(confirmation, output, in: context).ask("Give source \(name) a new secret?")
        let made = given == nil ? try secrets.made(for: setup.scheme) : nil
        let stored = try (given ?? made).map { try secrets.stored($0, source: name, tenant: setup.tenant) }
        let rotated = try await context.run(WebhookSources.rotateSecret(name, secret: stored, grace: grace))
        let shown = made ?? rotated.first ?? nil
        guard !output.isJSON else {
            return try output.json(Report(source: name, secret: shown, graceSeconds: Seconds.number(grace)))
        }
        output.line(
            "Source \(name) accepts a new secret; the old ones are accepted too for \(DurationText.format(grace)).")
        if let shown { output.line("The new secret, which is not shown again: \(shown)") }
    }
}
