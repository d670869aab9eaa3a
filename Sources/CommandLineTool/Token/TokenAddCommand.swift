import ArgumentParser
import CustomerAPI
import Outbox
import OutboxStore
import Settings

struct TokenAddCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a token, with which a customer uses the API of postrider serve --api.",
        discussion: """
            It is shown once; only its SHA-256 is stored. It allows its bearer to see and change the webhooks of its tenant, and \
            nothing of others.

            Example:
              postrider token add acme --tenant acme --expires 90d
            """)

    @Argument(help: "The name of the token, for token list and token revoke.")
    var name: String

    @Option(help: "The tenant that it belongs to: one of your customers.")
    var tenant: String

    @Flag(help: "Let it read alone.")
    var readOnly = false

    @Option(
        help: ArgumentHelp("How long it is good for, such as 90d; without end by default.", valueName: "duration"))
    var expires: String?

    @OptionGroup var options: OutputOptions

    private static let lifetimes = Duration.seconds(60)...(.seconds(3_650 * 86_400))

    private struct Report: Encodable {
        let name: String
        let tenant: String
        let readOnly: Bool
        let token: String
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let tenant = try Tenant.check(tenant)
        let lifetime = try expires.map {
            try Bounded.check(try Parsing.duration($0), of: "--expires", in: Self.lifetimes, DurationText.format)
        }
        let token = APIToken(bytes: context.randomBytes(APIToken.randomByteCount))
        _ = try await context.run(
            CustomerTokens.add(name, tenant: tenant, hash: token.hash, isReadOnly: readOnly, expires: lifetime))
        let report = Report(name: name, tenant: tenant, readOnly: readOnly, token: token.revealed)
        guard !output.isJSON else { return try output.json(report) }
        output.line("Added token \(name) of tenant \(tenant)\(readOnly ? ", which may only read" : "").")
        output.line("The token, which is not shown again: \(token.revealed)")
    }
}
