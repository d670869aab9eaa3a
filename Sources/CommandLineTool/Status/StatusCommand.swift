import ArgumentParser
import OutboxStore
import Postgres
import Settings

struct StatusCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Queues, endpoints, lag and workers at a glance.",
        discussion: """
            The first line says whether all is well. If it is not, the line says what to do first. Counting stops at \
            \(Endpoints.countLimit); a + after a number says so.

            With --watch it looks again and again until Ctrl-C. It redraws a terminal; to a file or a pipe it writes one \
            report after the other. It goes on when the database cannot be reached.

            Example:
              postrider status --watch
            """)

    /// The most endpoints that are shown.
    private static let endpointLimit: Int32 = 1000

    /// How often `--watch` may look: for each look the database has to count.
    static let intervalBounds = Duration.seconds(1)...Duration.seconds(3600)

    @Flag(help: "Look again and again.")
    var watch = false

    @Option(
        help: ArgumentHelp("How long --watch waits between two looks.", valueName: "duration"),
        transform: Parsing.duration)
    var interval = Duration.seconds(2)

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        guard watch else { return try StatusScreen(snapshot: try await look(context)).show(on: output) }
        let interval = try Bounded.check(interval, of: "--interval", in: Self.intervalBounds, DurationText.format)
        try await StatusWatch(context: context, isJSON: options.json, interval: interval) {
            try StatusScreen(snapshot: try await look(context)).show(on: output)
        }.run()
    }

    private func look(_ context: CommandContext) async throws -> StatusSnapshot {
        try await context.withDatabase { connection in
            let (schema, events, endpoints, workers, duties) = try await connection.pipeline(
                Status.database, Status.eventCounts, Endpoints.list(limit: Self.endpointLimit), Workers.list,
                Duties.overview, deadline: CommandContext.statementDeadline)
            guard let counts = events.first else { throw CommandError(.failure, "the database returned no counts") }
            return StatusSnapshot(
                events: counts, endpoints: endpoints, workers: workers, duties: duties,
                schemaVersion: schema.first?.schemaVersion ?? 0)
        }
    }
}
