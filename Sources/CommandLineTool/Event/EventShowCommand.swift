import ArgumentParser
import OutboxStore
import Postgres

/// `postrider event show`: an event, its deliveries and every attempt.
struct EventShowCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show an event: its deliveries and a timeline of attempts.",
        discussion: """
            Example:
              postrider event show 4711
            """)

    @Argument(help: "Its number, or its webhook id, evt_….")
    var id: String

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let reference = try EventReference(id)
        let (event, deliveries, attempts) = try await context.withDatabase { connection in
            let event = try await connection.requireEvent(reference)
            let (deliveries, attempts) = try await connection.pipeline(
                ListEventDeliveries(event: event.id, createdAt: event.createdAt), ListAttempts(event: event.id),
                deadline: CommandContext.statementDeadline)
            return (event, deliveries, attempts)
        }
        guard !output.isJSON else { return try output.json(EventReport(event, deliveries, attempts)) }
        show(event, on: output)
        output.line("")
        output.table(deliveryTable(deliveries))
        guard !attempts.isEmpty else { return }
        output.line("")
        output.table(.timeline(attempts))
    }

    private func show(_ event: FindEvent.Row, on output: Output) {
        let headers = event.headerValues.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        output.fields(
            [
                ("Event", "\(event.id)"), ("webhook-id", event.webhookID), ("Type", event.eventType),
                ("Tenant", event.tenant.isEmpty ? nil : event.tenant), ("For endpoint", event.endpoint),
                ("Created", event.createdAt.description), ("Ordering key", event.orderingKey),
                ("Idempotency key", event.idempotencyKey), ("Not before", event.deliverAfter?.description),
                ("Not after", event.expiresAt?.description), ("traceparent", event.traceparent),
                ("Headers", headers.isEmpty ? nil : headers.joined(separator: "; ")),
            ] + event.content.fields)
    }

    private func deliveryTable(_ deliveries: [EventDelivery]) -> Table {
        var table = Table([
            .text("ENDPOINT"), .identifier("STATUS"), .number("TRIES"), .number("HTTP"), .text("ERROR"),
            .identifier("DUE"), .identifier("FINISHED"),
        ])
        for delivery in deliveries {
            table.add(
                delivery.endpoint ?? "-", delivery.status, "\(delivery.attempts)",
                delivery.lastHTTPStatus.map { "\($0)" } ?? "-", delivery.lastErrorCode ?? "-",
                delivery.dueAt?.description ?? "-", delivery.finishedAt?.description ?? "-")
        }
        return table
    }
}
