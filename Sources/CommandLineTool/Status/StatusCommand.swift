import ArgumentParser
import OutboxStore
import Postgres
import Settings

struct StatusCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Queues, endpoints, lag and workers at a glance.",
        discussion: """
            The first line says whether all is well. If it is not, the line says what to do first, and the lines below what \
            else is wrong, the most harmful first. All endpoints count; those in trouble are shown first. Each endpoint is \
            counted up to a limit; a + after a number says that there may be more.

            PENDING was not tried yet, RETRYING failed and is tried again, BLOCKED waits behind one of its ordering key that \
            failed, HELD waits until its endpoint is resumed. WAITING is how long the oldest delivery has been due.

            With --watch it looks again and again until Ctrl-C or q; s sorts otherwise. It redraws a terminal; to a file or \
            a pipe it writes one report after the other. It goes on when the database cannot be reached.

            Example:
              postrider status --watch
            """)

    /// The most endpoints that are read.
    private static let endpointLimit: Int32 = 1000

    /// The most sources that are read.
    private static let sourceLimit: Int32 = 1000

    /// How often `--watch` may look: for each look the database has to count.
    static let intervalBounds = Duration.seconds(1)...Duration.seconds(3600)

    @Flag(help: "Look again and again.")
    var watch = false

    @Option(
        help: ArgumentHelp("How long --watch waits between two looks.", valueName: "duration"),
        transform: Parsing.duration)
    var interval = Duration.seconds(2)

    @Flag(help: "Exit with 1 when not all is well.")
    var exitCode = false

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        guard watch else {
            let snapshot = try await look(context)
            try StatusScreen(snapshot: snapshot).show(on: Output(options, in: context))
            if exitCode, !StatusVerdict(snapshot).isWell { throw Unsuccessful() }
            return
        }
        guard !exitCode else { throw CommandError(.usage, "--exit-code and --watch exclude each other") }
        let interval = try Bounded.check(interval, of: "--interval", in: Self.intervalBounds, DurationText.format)
        try await StatusWatch(context: context, options: options, interval: interval) { try await look(context) }.run()
    }

    private func look(_ context: CommandContext) async throws -> StatusSnapshot {
        try await context.withDatabase { connection in
            let (schema, events, rows, workers, duties, sources, expectations) = try await connection.pipeline(
                Status.database, Status.eventCounts, CensusRow.query(limit: Self.endpointLimit), Workers.list,
                Duties.overview, WebhookSources.list(limit: Self.sourceLimit),
                ExpectationCensus.query,
                deadline: CommandContext.statementDeadline)
            guard let counts = events.first else { throw CommandError(.failure, "the database returned no counts") }
            return StatusSnapshot(
                events: counts, census: rows.first?.census ?? Census(), endpoints: rows, workers: workers,
                duties: duties, schemaVersion: schema.first?.schemaVersion ?? 0, sources: sources,
                expectations: expectations.first ?? ExpectationCensus())
        }
    }
}
