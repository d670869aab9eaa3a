import ArgumentParser
import OutboxStore
import Postgres

/// `postrider status`: queues, endpoints, lag and workers at a glance.
struct StatusCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Queues, endpoints, lag and workers at a glance.",
        discussion: """
            The first line says whether all is well, and otherwise what to do first. Counting stops at \
            \(ListEndpoints.countLimit); a + says so.

            Example:
              postrider status
            """)

    /// The most endpoints that are shown.
    private static let endpointLimit: Int32 = 1000

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let snapshot = try await context.withDatabase { connection in
            let (schema, events, endpoints, workers) = try await connection.pipeline(
                ReadDatabaseState(), CountEvents(), ListEndpoints(limit: Self.endpointLimit), ListWorkers(),
                deadline: CommandContext.statementDeadline)
            guard let counts = events.first else { throw CommandError(.failure, "the database counted nothing") }
            return StatusSnapshot(
                events: counts, endpoints: endpoints, workers: workers, schemaVersion: schema.first?.schemaVersion ?? 0)
        }
        let verdict = StatusVerdict(snapshot)
        guard !output.isJSON else { return try output.json(StatusReport(snapshot, verdict)) }
        output.line(verdict.line)
        show(snapshot, output)
    }

    private func show(_ snapshot: StatusSnapshot, _ output: Output) {
        func count(_ number: Int64) -> String { CappedCount.text(number, isCapped: snapshot.isCapped) }
        var queues = Table([
            .number("EVENTS/H"), .number("PENDING"), .number("IN FLIGHT"), .number("RETRYING"), .number("HELD"),
            .number("DEAD"), .number("OLDEST DUE"),
        ])
        let recent = snapshot.events.lastHour
        queues.add(
            CappedCount.text(recent, isCapped: recent >= CountEvents.limit), count(snapshot.pending),
            count(snapshot.inFlight), count(snapshot.retrying), count(snapshot.held), count(snapshot.deadLetters),
            snapshot.oldestDueAge.map(Lag.text) ?? "-")
        output.line("")
        output.table(queues)
        if !snapshot.endpoints.isEmpty {
            output.line("")
            output.table(.endpoints(snapshot.endpoints))
        }
        guard !snapshot.workers.isEmpty else { return }
        var workers = Table([
            .identifier("WORKER"), .text("VERSION"), .number("IN FLIGHT"), .text("STATE"), .text("SEEN"),
        ])
        for worker in snapshot.workers {
            workers.add(
                worker.name, worker.version, "\(worker.inFlight)",
                !worker.isAlive ? "gone" : worker.isDraining ? "draining" : "working", Age.text(worker.silence))
        }
        output.line("")
        output.table(workers)
    }
}
