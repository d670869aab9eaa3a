import ArgumentParser
import OutboxStore

/// The endpoint that a command is about.
struct EndpointArgument: ParsableArguments {
    @Argument(help: "The name of the endpoint.", completion: .endpointName)
    var name: String

    @OptionGroup var owner: TenantOption

    func reference() throws(CommandError) -> EndpointReference {
        EndpointReference(name, tenant: try owner.checked())
    }
}

/// Whose endpoint it is that is named.
struct TenantOption: ParsableArguments {
    @Option(
        help: ArgumentHelp("Its tenant, where several tenants have an endpoint of this name.", valueName: "tenant"))
    var tenant: String?

    func checked() throws(CommandError) -> String? {
        guard let tenant else { return nil }
        return try Tenant.check(tenant)
    }
}
