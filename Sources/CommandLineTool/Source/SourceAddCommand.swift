import ArgumentParser
import OutboxStore

struct SourceAddCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a source: a sender whose webhooks are received under /in/NAME.",
        discussion: """
            SCHEME says how its requests prove who sent them: standard (Standard Webhooks), github, stripe, shopify, slack, \
            hmac:HEADER,ALGORITHM,ENCODING[,PREFIX] for any other header, bearer, basic, jwt, or none with --allow-network. \
            Without --secret one is made and shown once, where the sender's side takes one. Other users can see arguments in \
            the list of processes: --secret - reads it from standard input.

            Example:
              postrider source add github --scheme github --secret - \\
                --correlation-from '$.repository.full_name'
            """)

    @Argument(help: "The name, which is also the end of the path.")
    var name: String

    @Option(help: ArgumentHelp("How requests prove who sent them.", valueName: "scheme"))
    var scheme: String

    @Option(
        name: .customLong("secret"),
        help: ArgumentHelp(
            "What requests are verified with; - reads it from standard input; repeat the option for more.",
            valueName: "secret"))
    var secrets: [String] = []

    @OptionGroup var settings: SourceOptions

    @Option(help: "The tenant of the source, and of the events that its rows become.")
    var tenant = ""

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let source: String
        let scheme: String
        let tenant: String
        let path: String
        /// Only when it was made here.
        let secret: String?
    }

    func validate() throws {
        guard secrets.count(where: { $0 == "-" }) <= 1 else {
            throw ValidationError("Only one --secret can be read from standard input.")
        }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let settings = try self.settings.settings()
        let tenant = try Tenant.check(tenant)
        let secrets = try SourceSecrets(in: context)
        let made = self.secrets.isEmpty ? try secrets.made(for: scheme) : nil
        let stored = try (self.secrets.map(secrets.text) + [made].compactMap(\.self)).map {
            try secrets.stored($0, source: name, tenant: tenant)
        }
        let added = try await context.run(
            WebhookSources.add(name, scheme: scheme, secrets: stored, tenant: tenant, settings: settings))
        let shown = made ?? added.first ?? nil
        let report = Report(source: name, scheme: scheme, tenant: tenant, path: "/in/\(name)", secret: shown)
        guard !output.isJSON else { return try output.json(report) }
        output.line("Added source \(name), received under \(report.path).")
        if let shown { output.line("Its secret, which is not shown again: \(shown)") }
    }
}
