import ArgumentParser
import OutboxStore
import Postgres
import Settings

/// `postrider status`: queues, endpoints, lag and workers at a glance.
struct StatusCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Queues, endpoints, lag and workers at a glance.",
        discussion: """
            The first line says whether all is well, and otherwise what to do first. Counting stops at \
            \(Endpoints.countLimit); a + says so.

            With --watch it goes on until Ctrl-C: a terminal is redrawn, anything else gets one report after the other. It
            goes on while the database is away, too.

            Example:
              postrider status --watch
            """)

    /// The most endpoints that are shown.
    private static let endpointLimit: Int32 = 1000

    /// How often `--watch` may look: each look costs the database some counting.
    static let intervalBounds = Duration.seconds(1)...Duration.seconds(3600)

    @Flag(help: "Go on: look again and again.")
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
            let (schema, events, endpoints, workers) = try await connection.pipeline(
                Status.database, Status.eventCounts, Endpoints.list(limit: Self.endpointLimit), Workers.list,
                deadline: CommandContext.statementDeadline)
            guard let counts = events.first else { throw CommandError(.failure, "the database counted nothing") }
            return StatusSnapshot(
                events: counts, endpoints: endpoints, workers: workers, schemaVersion: schema.first?.schemaVersion ?? 0)
        }
    }
}
