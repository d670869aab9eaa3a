import ArgumentParser
import OutboxStore

struct TokenRevokeCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "End a token: the next request that bears it is refused.",
        discussion: """
            Its name is free then. The webhooks of its tenant stay as they are.

            Example:
              postrider token revoke acme
            """)

    @Argument(help: "The name of the token.")
    var name: String

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let name: String
        let tenant: String
        let revoked: Bool
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let tenant = try await context.run(CustomerTokens.revoke(name)).first ?? ""
        guard !output.isJSON else { return try output.json(Report(name: name, tenant: tenant, revoked: true)) }
        output.line("Revoked token \(name) of tenant \(tenant).")
    }
}
