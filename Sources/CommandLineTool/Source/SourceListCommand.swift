import ArgumentParser
import OutboxStore
import Postgres

struct SourceListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List sources, and what was received and is not processed.",
        discussion: """
            QUEUED was not tried yet, RETRYING failed and is tried again, WAITING is for how long the oldest row has been due. \
            Counting stops at 10,000.

            Example:
              postrider source list
            """)

    @Option(help: ArgumentHelp("The most sources to list.", valueName: "n"))
    var limit = 1000

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let sources: [SourceReport]
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try Bounded.limit(limit)
        let sources = try await context.run(WebhookSources.list(limit: limit))
        try output.list(
            sources, limit: limit, json: Report(sources: sources.map(SourceReport.init)), table: .sources(sources[...]),
            ifEmpty: "There are no sources yet. Add one: postrider source add NAME --scheme SCHEME")
    }
}

/// A count of a source's rows, with `+` behind it where counting stopped.
enum SourceCount {
    static func text(_ count: Int32) -> String {
        CappedCount.text(Int64(count), isCapped: count >= SourceOverview.countLimit)
    }
}

/// A source with the counts of its rows, as JSON.
struct SourceReport: Encodable {
    let source: String
    let tenant: String
    let scheme: String
    let publishAs: String?
    let lastReceivedAt: String?
    let queued: Int32
    let retrying: Int32
    let dead: Int32
    let oldestDueAgeSeconds: Double?

    init(_ source: SourceOverview) {
        self.source = source.name
        tenant = source.tenant
        scheme = source.scheme
        publishAs = source.publishAs
        lastReceivedAt = source.lastReceivedAt?.description
        queued = source.queued
        retrying = source.retrying
        dead = source.dead
        oldestDueAgeSeconds = source.oldestDueAge.map(Seconds.number)
    }
}

extension Table {
    static func sources(_ sources: ArraySlice<SourceOverview>) -> Table {
        var table = Table([
            .name("SOURCE"), .text("SCHEME"), .text("PUBLISHED AS"), .number("QUEUED"), .number("RETRYING"),
            .number("DEAD"), .number("WAITING"), .text("LAST RECEIVED"),
        ])
        for source in sources {
            table.add(
                source.name, source.scheme, source.publishAs ?? "-", SourceCount.text(source.queued),
                SourceCount.text(source.retrying), SourceCount.text(source.dead),
                source.oldestDueAge.map(Lag.text) ?? "-", source.lastReceivedAgo.map(Age.text) ?? "never")
        }
        return table
    }
}
