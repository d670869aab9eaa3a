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
        let (event, deliveries, attempts, prospects) = try await context.withDatabase { connection in
            let event = try await connection.requireEvent(reference)
            let (deliveries, attempts, prospects) = try await connection.pipeline(
                Events.deliveries(event.id, createdAt: event.createdAt), Events.attempts(event.id),
                Events.prospects(event.id), deadline: CommandContext.statementDeadline)
            return (event, deliveries, attempts, prospects)
        }
        guard !output.isJSON else { return try output.json(EventReport(event, deliveries, attempts, prospects)) }
        show(event, on: output)
        showTimeline(event, deliveries, attempts, on: output)
        showNext(deliveries, prospects, on: output)
        output.line("")
        output.fields(event.content.fields)
    }

    private func show(_ event: EventRecord, on output: Output) {
        let headers = event.headerValues.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        output.line("Event \(event.id) (\(event.webhookID)): \(event.eventType)")
        output.fields([
            ("Tenant", event.tenant.isEmpty ? nil : event.tenant), ("For endpoint", event.endpoint),
            ("Ordering key", event.orderingKey), ("Idempotency key", event.idempotencyKey),
            ("Not before", event.deliverAfter?.description), ("Not after", event.expiresAt?.description),
            ("traceparent", event.traceparent), ("Headers", headers.isEmpty ? nil : headers.joined(separator: "; ")),
        ])
    }

    private func showTimeline(
        _ event: EventRecord, _ deliveries: [EventDelivery], _ attempts: [AttemptRecord], on output: Output
    ) {
        let timeline = Timeline(since: event.createdAt, width: output.width)
        let matched = deliveries.compactMap(\.endpoint).map { "\(ShortName($0))" }
        let age = deliveries.first.map { ", \(Age.text($0.age))" } ?? ""
        output.line("")
        output.line("What happened")
        output.lines(
            timeline.beginning(
                "published \(event.createdAt)\(age); "
                    + (matched.isEmpty ? "it matched nothing" : "it matched \(matched.joined(separator: ", "))")))
        for attempt in attempts { output.lines(timeline.lines(attempt)) }
        if attempts.count == Events.attemptLimit {
            output.remark("There are more attempts: postrider.attempt_log has all.")
        }
    }

    private func showNext(_ deliveries: [EventDelivery], _ prospects: [DeliveryProspect], on output: Output) {
        output.line("")
        output.line("What is next")
        let known = Dictionary(prospects.map { ($0.endpoint, $0) }, uniquingKeysWith: { first, _ in first })
        for delivery in deliveries {
            let prospect = Prospect(delivery, delivery.endpoint.flatMap { known[$0] })
            let name = delivery.endpoint.map { "\(ShortName($0)): " } ?? ""
            output.lines(Folded.lines(name + prospect.text, width: output.width, first: "  ", rest: "    "))
            if let remedy = prospect.remedy { output.line("    → \(remedy)") }
        }
    }
}
