import ArgumentParser
import Outbox
import OutboxStore
import Postgres
import Webhooks
import Worker

struct EndpointUpdateCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change an endpoint; settings that are not given stay the same.",
        discussion: """
            0 removes a limit. --event-type, --header and --signature replace all earlier ones. rotate-secret changes the secret.

            Example:
              postrider endpoint update billing --retry-schedule 5s,1m,10m \\
                --max-in-flight 20 --rate-limit 0
            """)

    @OptionGroup var endpoint: EndpointArgument

    @Option(help: "The new URL.")
    var url: String?

    @OptionGroup var settings: EndpointOptions

    @Flag(help: "Add no headers to requests any more.")
    var noHeaders = false

    @Flag(help: "Show no client certificate any more.")
    var noClientCertificate = false

    @Flag(name: .customLong("no-ca"), help: "Trust the usual authorities again.")
    var noCA = false

    @OptionGroup var options: OutputOptions

    func validate() throws {
        guard url != nil || noHeaders || noClientCertificate || noCA || !settings.isEmpty else {
            throw ValidationError("Say what to change; --help lists the options.")
        }
        guard !noHeaders || settings.headers.isEmpty else {
            throw ValidationError("--no-headers and --header exclude each other.")
        }
        guard !noClientCertificate || settings.sending.clientCertificate == nil && settings.sending.clientKey == nil
        else {
            throw ValidationError("--no-client-certificate excludes --client-certificate and --client-key.")
        }
        guard !noCA || settings.sending.ca == nil else {
            throw ValidationError("--no-ca and --ca exclude each other.")
        }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let configuration = try context.configuration()
        let policy = EndpointPolicy(configuration)
        var changes = try settings.settings(url: url, policy: policy)
        if noHeaders { changes.headers = [] }
        let sealing = try SigningSecret.sealing(configuration)
        let name = endpoint.name
        let reference = try endpoint.reference()
        let details = try await context.withDatabase { [changes] connection in
            var changes = changes
            // What is sealed is bound to the endpoint's tenant.
            let tenant = try await tenant(of: reference, on: connection)
            let seal = EndpointSeal(endpoint: name, tenant: tenant, sealing: sealing)
            try add(to: &changes, seal, policy: policy, in: context)
            _ = try await connection.rows(Endpoints.update(reference, settings: changes))
            return await EndpointDetails.readBack(reference, from: connection, output)
        }
        guard !output.isJSON else {
            guard let details else { return try output.json(ChangedEndpoint(endpoint: name)) }
            return try output.json(EndpointDetailsReport(details))
        }
        output.line("Changed endpoint \(name).")
        details?.show(on: output)
    }

    /// Looked up only where it is not given: a login with `postrider_registrar` alone gives it, and may read nothing.
    private func tenant(of reference: EndpointReference, on connection: PostgresConnection) async throws -> String {
        if let tenant = reference.tenant { return tenant }
        let id = try await connection.requireOneEndpoint(reference)
        return try await connection.rows(Endpoints.signing(id)).first?.tenant ?? ""
    }

    private func add(
        to changes: inout EndpointSettings, _ seal: EndpointSeal, policy: EndpointPolicy, in context: CommandContext
    ) throws {
        try settings.sending.apply(to: &changes, seal, policy: policy, in: context)
        if noClientCertificate { (changes.clientCertificate, changes.clientKey) = ("", "") }
        if noCA { changes.ca = "" }
        guard settings.sending.signatures.contains("v1a") else { return }
        // The database takes it when the endpoint has none yet.
        changes.take(try seal.stored(SigningSecret.newKey(in: context)))
    }
}
