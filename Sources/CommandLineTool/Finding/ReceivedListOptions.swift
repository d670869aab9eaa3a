import ArgumentParser
import Postgres

/// What rows of the inbox and expectations are found by, and how they are paged.
struct ReceivedListOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only of this source.", valueName: "name"), completion: .sourceName)
    var source: String?

    @Option(help: ArgumentHelp("Only those with this correlation.", valueName: "text"))
    var correlation: String?

    @Option(help: ArgumentHelp("Only those before this one: the next page.", valueName: "id"))
    var before: Int64?

    @Option(help: ArgumentHelp("The most rows to list.", valueName: "n"))
    var limit = 100

    /// Fails with a clear line when the source is not there.
    func checkSource(_ connection: PostgresConnection) async throws {
        if let source { try await connection.requireSource(source) }
    }

    /// What `--before` takes for the next page; nil where a page was not full.
    func next(after ids: [Int64]) -> Int64? { ids.count == limit ? ids.last : nil }
}
