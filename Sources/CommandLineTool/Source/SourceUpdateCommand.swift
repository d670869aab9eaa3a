import ArgumentParser
import OutboxStore
import Postgres

struct SourceUpdateCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change a source; settings that are not given stay the same.",
        discussion: """
            Servers take it over within two seconds. 0 removes a limit, an empty text a path or the prefix. --allow-network and \
            --trust-proxy replace all earlier ones. The scheme stays; rotate-secret changes the secret.

            Example:
              postrider source update github --max-body 2MiB --rate-limit 50
            """)

    @Argument(help: "The name of the source.", completion: .sourceName)
    var name: String

    @OptionGroup var settings: SourceOptions

    @Flag(help: "Let every network send.")
    var anyNetwork = false

    @Flag(help: "Trust no proxies any more.")
    var noProxies = false

    @OptionGroup var options: OutputOptions

    func validate() throws {
        guard anyNetwork || noProxies || !settings.isEmpty else {
            throw ValidationError("Say what to change; --help lists the options.")
        }
        guard !anyNetwork || settings.allowNetworks.isEmpty else {
            throw ValidationError("--any-network and --allow-network exclude each other.")
        }
        guard !noProxies || settings.trustProxies.isEmpty else {
            throw ValidationError("--no-proxies and --trust-proxy exclude each other.")
        }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        var settings = try self.settings.settings()
        if anyNetwork { settings.allowNetworks = [] }
        if noProxies { settings.trustProxies = [] }
        let details = try await context.withDatabase { [settings] connection in
            _ = try await connection.rows(WebhookSources.update(name, settings: settings))
            return try await SourceDetails.read(name, from: connection)
        }
        guard !output.isJSON else { return try output.json(SourceDetailsReport(details)) }
        output.line("Changed source \(name).")
        details.show(on: output)
    }
}
