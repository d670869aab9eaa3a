import ArgumentParser
import Outbox
import OutboxStore

struct EventTailCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Follow events live: a line for each delivery when it is new, and when its state changes.",
        discussion: """
            Goes on until Ctrl-C or SIGTERM, or until the program that reads its output has ended. A look costs what has happened \
            since the look before, however many events are kept. What is quick is seen once, when it has ended. With --json \
            it prints one object a line.

            Example:
              postrider event tail --type 'order.*' --status dead
            """)

    @Option(help: ArgumentHelp("Only those of this tenant.", valueName: "tenant"))
    var tenant: String?

    @Option(
        name: [.customLong("type"), .customLong("event-type")],
        help: ArgumentHelp("Only events of this type: order.paid, order.* or *.", valueName: "pattern"))
    var type: String?

    @Option(help: ArgumentHelp("Only deliveries to this endpoint.", valueName: "name"), completion: .endpointName)
    var endpoint: String?

    @Option(
        help: ArgumentHelp("Only deliveries in this state, such as delivered, retrying or dead.", valueName: "status"),
        completion: .list(DeliveryStatus.allCases.map(\.rawValue)))
    var status: String?

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        var selection = Events.Selection()
        selection.tenant = try tenant.map { try Tenant.check($0) }
        selection.type = try type.map { "\(try EventTypePattern($0))" }
        selection.endpoint = endpoint
        selection.status = try status.map { try DeliveryStatus.read($0).rawValue }
        try await EventFollower(context: context, selection: selection, output: Output(options, in: context)).run()
    }
}
