import ArgumentParser
import OutboxStore
import Postgres

struct TokenListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List tokens, those that have ended too.",
        discussion: """
            When a token was last used is noted once a minute; a request that is refused does not count.

            Example:
              postrider token list --tenant acme
            """)

    @Option(help: "Only those of this tenant.")
    var tenant: String?

    @Option(help: ArgumentHelp("The most tokens to list.", valueName: "n"))
    var limit = 1000

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let tokens: [TokenReport]
    }

    private struct TokenReport: Encodable {
        let name: String
        let tenant: String
        let readOnly: Bool
        let state: String
        let createdAt: String
        let createdBy: String
        let expiresAt: String?
        let revokedAt: String?
        let lastUsedAt: String?

        init(_ token: CustomerToken) {
            name = token.name
            tenant = token.tenant
            readOnly = token.isReadOnly
            state = token.state
            createdAt = token.createdAt.description
            createdBy = token.createdBy
            expiresAt = token.expiresAt?.description
            revokedAt = token.revokedAt?.description
            lastUsedAt = token.lastUsedAt?.description
        }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try Bounded.limit(limit)
        let tokens = try await context.run(CustomerTokens.list(tenant: tenant, limit: limit))
        try output.list(
            tokens, limit: limit, json: Report(tokens: tokens.map(TokenReport.init)), table: .tokens(tokens),
            ifEmpty: "There are no tokens. Add one: postrider token add NAME --tenant TENANT")
    }
}

extension Table {
    fileprivate static func tokens(_ tokens: [CustomerToken]) -> Table {
        var table = Table([
            .name("TOKEN"), .name("TENANT"), .text("MAY"), .text("STATE"), .text("LAST USED"), .text("EXPIRES"),
        ])
        for token in tokens {
            table.add(
                token.name, token.tenant, token.isReadOnly ? "read" : "read, write", token.state,
                token.lastUsedAt?.description ?? "never", token.expiresAt?.description ?? "never")
        }
        return table
    }
}
