import ArgumentParser
import Outbox
import OutboxStore

struct EndpointExportCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Print endpoints as a file that postrider apply takes.",
        discussion: """
            Only what is not as by default. Secrets and headers, whose values may be credentials, are not in it: \
            postrider apply leaves them as they are.

            Example:
              postrider endpoint export billing shipping
            """)

    @Argument(help: "Names of endpoints; all when none is given.", completion: .endpointName)
    var names: [String] = []

    @Option(help: ArgumentHelp("Only those of this tenant.", valueName: "tenant"))
    var tenant: String?

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let tenant = try tenant.map { try Tenant.check($0) }
        let limit = Int32(EndpointFile.limit)
        let (found, unreadable) = try await context.withDatabase { connection in
            (
                try await connection.rows(
                    Endpoints.stored(
                        names: names.isEmpty ? nil : names, tenants: names.isEmpty ? tenant.map { [$0] } : nil,
                        limit: limit + 1)),
                try await connection.rows(Endpoints.urls).filter { $0.fault != nil }
            )
        }
        for name in names
        where !found.contains(where: { $0.name == name && tenant ?? $0.setup.tenant == $0.setup.tenant }) {
            if let reason = unreadable.first(where: { $0.name == name })?.fault {
                throw CommandError(.badData, "endpoint '\(name)' cannot be exported: \(reason)")
            }
            throw CommandError.unknownEndpoint(EndpointReference(name, tenant: tenant))
        }
        guard found.count <= Int(limit) else {
            throw CommandError(.badData, "there are more than \(limit) endpoints: name some, or a --tenant")
        }
        if names.isEmpty {
            for endpoint in unreadable {
                output.remark("Endpoint \(endpoint.name) is left out: \(endpoint.fault ?? "")")
            }
        }
        let exported = ExportedEndpoints(found.filter { tenant ?? $0.setup.tenant == $0.setup.tenant })
        guard !output.isJSON else { return try output.json(exported) }
        output.lines(exported.yaml)
    }
}
