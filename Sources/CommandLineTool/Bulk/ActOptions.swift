import ArgumentParser
import Postgres

/// The options of the acts on one or on many: `event retry`, `event cancel`, `dead-letter discard`.
struct ActOptions: ParsableArguments {
    @OptionGroup var bulk: BulkOptions

    @Option(help: ArgumentHelp("The reason, for the record.", valueName: "text"))
    var why: String?

    @OptionGroup var confirmation: ConfirmationOptions

    /// Holds that it is about one that is named, or about many, and that there is a reason for many.
    func validate(isNamed: Bool, as what: String) throws {
        guard isNamed != bulk.isWide else { throw missing(what) }
        try bulk.requireReason(why)
    }

    /// - Parameter what: what can be named: `an event`, `an id`.
    func missing(_ what: String) -> ValidationError {
        ValidationError("Give one of these: \(what), --endpoint NAME, or --all.")
    }

    /// Runs the act on many.
    func run(
        _ output: Output, in context: CommandContext, asking question: (BulkRun.Tally) -> String,
        _ act: (BulkRun, PostgresConnection, _ limit: Int) async throws -> BulkRun.Tally
    ) async throws -> BulkRun.Tally {
        let limit = try bulk.checkedLimit()
        return try await BulkCommand(bulk: bulk, confirmation: confirmation, output: output, context: context).run(
            asking: question
        ) { connection, progress, isPreview in
            try await act(
                BulkRun(connection: connection, progress: progress, isPreview: isPreview, why: why), connection, limit)
        }
    }
}
