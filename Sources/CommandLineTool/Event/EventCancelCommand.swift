import ArgumentParser
import OutboxStore

struct EventCancelCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel the unfinished deliveries of an event.",
        discussion: """
            Asks first when it runs on a terminal. A delivery that is in flight at this moment may still arrive, but it is \
            not tried again.

            Example:
              postrider event cancel 4711
            """)

    @Argument(help: "The number of the event, or its webhook id, evt_….")
    var id: String

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let eventId: Int64
        let cancelled: Int32
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let reference = try EventReference(id)
        let event = try await context.withDatabase { try await $0.requireEvent(reference) }
        try Confirmation(confirmation, output, in: context).ask(
            "Cancel the unfinished deliveries of event \(reference.id)?")
        let cancelled = try await context.withDatabase { connection in
            try await connection.rows(Events.cancel(event.id, createdAt: event.createdAt)).first ?? 0
        }
        guard !output.isJSON else { return try output.json(Report(eventId: reference.id, cancelled: cancelled)) }
        output.line(
            cancelled == 0
                ? "Event \(reference.id) has no unfinished deliveries."
                : "Cancelled \(Plural.deliveries(cancelled)) of event \(reference.id).")
    }
}
