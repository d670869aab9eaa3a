import ArgumentParser
import OutboxStore

struct EventRetryCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Retry failed deliveries now, instead of when their next attempt is due.",
        discussion: """
            For deliveries that failed and wait for their next attempt; what was given up is replayed instead \
            (postrider dead-letter replay). Attempts go on being counted. What is in flight, held or behind its ordering key \
            stays so. --endpoint and --all work in small steps; --dry-run counts and changes nothing. --since and --until \
            are about when events were published: a moment such as 2024-11-20T12:00:00Z, or a length of time before now \
            such as 2h.

            Example:
              postrider event retry 4711
              postrider event retry --endpoint billing --limit 100 --why 'it is back'
            """)

    @Argument(help: "The number of the event, or its webhook id, evt_….")
    var id: String?

    @OptionGroup var act: ActOptions

    @OptionGroup var options: OutputOptions

    private var bulk: BulkOptions { act.bulk }

    private struct Report: Encodable {
        /// Absent when it was about many.
        let eventId: Int64?
        let retried: Int
        let dryRun: Bool
    }

    func validate() throws {
        guard id != nil || bulk.isWide, id == nil || !bulk.all else {
            throw act.missing("an event")
        }
        guard
            id == nil
                || bulk.tenant == nil && bulk.type == nil && bulk.since == nil && bulk.until == nil && bulk.limit == nil
        else {
            throw ValidationError(
                "--tenant, --type, --since, --until and --limit go with --endpoint or --all, not with an event.")
        }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        if let id { return try await retry(EventReference(id), output, context) }
        let tally = try await act.run(
            output, in: context, asking: { "Retry \(Plural.deliveries($0.changed))\(bulk.words) now?" },
            { try await $0.deliveries(.retry, bulk.selection($1), limit: $2) })
        try show(nil, tally.changed, output)
    }

    private func retry(_ reference: EventReference, _ output: Output, _ context: CommandContext) async throws {
        let (event, retried) = try await context.withDatabase { connection in
            let event = try await connection.requireEvent(reference)
            if let endpoint = bulk.endpoint {
                try await connection.requireEndpoint(EndpointReference(endpoint, tenant: event.tenant))
            }
            guard bulk.dryRun else {
                return (
                    event,
                    try await connection.rows(
                        Events.retry(event.id, createdAt: event.createdAt, endpoint: bulk.endpoint, why: act.why)
                    ).first ?? 0
                )
            }
            let deliveries = try await connection.rows(Events.deliveries(event.id, createdAt: event.createdAt))
            let waiting = deliveries.count {
                $0.status == DeliveryStatus.retrying.rawValue && (bulk.endpoint ?? $0.endpoint) == $0.endpoint
            }
            return (event, Int32(clamping: waiting))
        }
        try show(event.id, Int(retried), output)
    }

    private func show(_ event: Int64?, _ retried: Int, _ output: Output) throws {
        guard !output.isJSON else {
            return try output.json(Report(eventId: event, retried: retried, dryRun: bulk.dryRun))
        }
        let of = event.map { " of event \($0)" } ?? bulk.words
        guard retried > 0 else { return output.line("No delivery\(of) waits for its next attempt.") }
        let deliveries = Plural.deliveries(retried) + of
        output.line(
            bulk.dryRun ? "Would retry \(deliveries) now; nothing was changed." : "Retrying \(deliveries) now.")
    }
}
