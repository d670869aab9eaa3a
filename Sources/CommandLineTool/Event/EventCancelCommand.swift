import ArgumentParser
import OutboxStore

struct EventCancelCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel unfinished deliveries, of an event or of many.",
        discussion: """
            Asks first when it runs on a terminal. A delivery that is in flight at this moment may still arrive, but it is \
            not tried again. --endpoint and --all work in small steps; --dry-run counts and changes nothing. --since and \
            --until are about when events were published: a moment such as 2024-11-20T12:00:00Z, or a length of time \
            before now such as 2h.

            Example:
              postrider event cancel 4711
              postrider event cancel --endpoint billing --why 'sent by hand' --dry-run
            """)

    @Argument(help: "The number of the event, or its webhook id, evt_….")
    var id: String?

    @OptionGroup var act: ActOptions

    @OptionGroup var options: OutputOptions

    private var bulk: BulkOptions { act.bulk }

    private struct Report: Encodable {
        /// Absent when it was about many.
        let eventId: Int64?
        let cancelled: Int
        /// Of these, those in flight: their attempt is the last one.
        let inFlight: Int
        let dryRun: Bool
    }

    func validate() throws {
        try act.validate(isNamed: id != nil, as: "an event")
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        if let id { return try await cancel(EventReference(id), output, context) }
        let tally = try await act.run(
            output, in: context, asking: { "Cancel \(Plural.deliveries($0.changed))\(bulk.words)?" },
            { try await $0.deliveries(.cancel, bulk.selection($1), limit: $2) })
        guard !output.isJSON else {
            return try output.json(
                Report(eventId: nil, cancelled: tally.changed, inFlight: tally.inFlight, dryRun: bulk.dryRun))
        }
        let deliveries = Plural.deliveries(tally.changed) + bulk.words
        output.line(bulk.dryRun ? "Would cancel \(deliveries); nothing was changed." : "Cancelled \(deliveries).")
        if tally.inFlight > 0 { output.remark("\(tally.inFlight) of them in flight: they may still arrive.") }
    }

    private func cancel(_ reference: EventReference, _ output: Output, _ context: CommandContext) async throws {
        let (event, unfinished) = try await context.withDatabase { connection in
            let event = try await connection.requireEvent(reference)
            let deliveries = try await connection.rows(Events.deliveries(event.id, createdAt: event.createdAt))
            return (event, deliveries.filter { $0.finishedAt == nil })
        }
        let inFlight = unfinished.count { $0.status == DeliveryStatus.inFlight.rawValue }
        guard !bulk.dryRun else {
            let report = Report(eventId: event.id, cancelled: unfinished.count, inFlight: inFlight, dryRun: true)
            guard !output.isJSON else { return try output.json(report) }
            return output.line("Would cancel \(Plural.deliveries(unfinished.count)); nothing was changed.")
        }
        try Confirmation(act.confirmation, output, in: context).ask(
            "Cancel the unfinished deliveries of event \(reference.id)?")
        let cancelled = try await context.withDatabase { connection in
            try await connection.rows(Events.cancel(event.id, createdAt: event.createdAt, why: act.why)).first ?? 0
        }
        guard !output.isJSON else {
            return try output.json(
                Report(eventId: event.id, cancelled: Int(cancelled), inFlight: inFlight, dryRun: false))
        }
        output.line(
            cancelled == 0
                ? "Event \(event.id) has no unfinished deliveries."
                : "Cancelled \(Plural.deliveries(cancelled)) of event \(event.id).")
        if event.idempotencyKey != nil { output.remark("Its idempotency key stays taken: publish under another one.") }
    }
}
