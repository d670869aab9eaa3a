import ArgumentParser
import OutboxStore
import Postgres

struct ReplayListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List replays of events, the newest first.",
        discussion: """
            Those that run, and those that ended, for as long as events are kept.

            Example:
              postrider replay list
            """)

    @Option(help: ArgumentHelp("The most rows to list.", valueName: "n"))
    var limit = 20

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let replays: [Row]
    }

    private struct Row: Encodable {
        let id: Int64
        let state: String
        let endpoint: String?
        let tenant: String?
        let events: Int32?
        let eventType: String?
        let status: String?
        let newId: Bool
        let ignoreExpiry: Bool
        let rate: Int32
        let replayed: Int64
        let expired: Int64
        let cancelled: Int64
        let unfit: Int64
        let progress: Double
        let createdAt: String
        let createdBy: String
        let why: String?
        let endedAt: String?
        let lastError: String?

        init(_ job: ReplayRecord) {
            id = job.id
            state = job.state
            endpoint = job.endpoint
            tenant = job.tenant
            events = job.events
            eventType = job.type
            status = job.status
            newId = job.isNew
            ignoreExpiry = job.ignoresExpiry
            rate = job.rate
            replayed = job.replayed
            expired = job.expired
            cancelled = job.cancelled
            unfit = job.unfit
            progress = job.progress
            createdAt = job.createdAt.description
            createdBy = job.createdBy
            why = job.why
            endedAt = job.endedAt?.description
            lastError = job.lastError
        }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try Bounded.limit(limit)
        let jobs = try await context.run(Replays.list(limit: limit))
        try output.list(
            jobs, limit: limit, json: Report(replays: jobs.map(Row.init)), table: Self.table(jobs),
            ifEmpty: "There are no replays.")
        for job in jobs where job.lastError != nil && !output.isJSON {
            output.remark("Replay \(job.id): \(job.lastError ?? "")")
        }
    }

    private static func table(_ jobs: [ReplayRecord]) -> Table {
        var table = Table([
            .identifier("ID"), .state("STATE"), .name("OF"), .number("RATE"), .number("DONE"), .number("REPLAYED"),
            .number("EXPIRED"), .number("CANCELLED"), .number("UNFIT"),
        ])
        for job in jobs {
            let of = job.endpoint ?? job.events.map { "\($0) named" } ?? "all"
            table.add(
                "\(job.id)", job.state, of, "\(job.rate)", "\(Int((job.progress * 100).rounded(.down)))%",
                "\(job.replayed)", "\(job.expired)", "\(job.cancelled)", "\(job.unfit)")
        }
        return table
    }
}
