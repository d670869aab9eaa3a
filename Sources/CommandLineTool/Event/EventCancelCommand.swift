import ArgumentParser
import OutboxStore

/// `postrider event cancel`: calls back what is not delivered yet.
struct EventCancelCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel what is not delivered of an event yet.",
        discussion: """
            Asks first, where somebody can be asked. What is in flight at this moment may still arrive, but is not tried again.

            Example:
              postrider event cancel 4711
            """)

    @Argument(help: "Its number, or its webhook id, evt_….")
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
        try await context.withDatabase { _ = try await $0.requireEvent(reference) }
        try Confirmation(confirmation, output, in: context).ask(
            "Cancel what is not delivered of event \(reference.id) yet?")
        let cancelled = try await context.withDatabase { connection in
            try await connection.rows(Events.cancel(reference.id)).first ?? 0
        }
        guard !output.isJSON else { return try output.json(Report(eventId: reference.id, cancelled: cancelled)) }
        output.line(
            cancelled == 0
                ? "Nothing of event \(reference.id) waits for its delivery."
                : "Cancelled \(Plural.deliveries(cancelled)) of event \(reference.id).")
    }
}
