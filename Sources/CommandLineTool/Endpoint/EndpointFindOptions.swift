import ArgumentParser
import Outbox
import OutboxStore

/// What endpoints are found by.
struct EndpointFindOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only those of this tenant.", valueName: "tenant"))
    var tenant: String?

    @Option(
        help: ArgumentHelp("Only those that get events of this type: order.paid, order.* or *.", valueName: "pattern"))
    var type: String?

    @Option(help: ArgumentHelp("Only those in this state: active, paused or disabled.", valueName: "status"))
    var status: String?

    @Option(help: ArgumentHelp("Only those with this text in their name or URL.", valueName: "text"))
    var text: String?

    @Option(help: ArgumentHelp("Only those whose names come after this one: the next page.", valueName: "name"))
    var after: String?

    @Option(
        help: ArgumentHelp(
            "With --after: those of that name too whose tenants come after this one.", valueName: "tenant"))
    var afterTenant: String?

    private static let states = ["active", "verifying", "paused", "disabled"]

    func search() throws -> Endpoints.Search {
        var search = Endpoints.Search()
        search.tenant = try tenant.map { try Tenant.check($0) }
        search.type = try type.map { "\(try EventTypePattern($0))" }
        search.state = try Bounded.word(status, of: "--status", among: Self.states)
        search.text = text
        search.after = try after.map { EndpointReference($0, tenant: try afterTenant.map { try Tenant.check($0) }) }
        return search
    }
}
