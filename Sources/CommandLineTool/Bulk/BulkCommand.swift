import OutboxStore
import Postgres

/// Runs an act on many: first a preview, when a person can be asked, and then the act.
struct BulkCommand {
    let bulk: BulkOptions
    let confirmation: ConfirmationOptions
    let output: Output
    let context: CommandContext

    func run(
        asking question: (BulkRun.Tally) -> String,
        _ act: (PostgresConnection, Progress, _ isPreview: Bool) async throws -> BulkRun.Tally
    ) async throws -> BulkRun.Tally {
        if !bulk.dryRun, !confirmation.yes, context.inputIsTerminal {
            let preview = try await once(isPreview: true, act)
            try Confirmation(confirmation, output, in: context).ask(question(preview))
        }
        return try await once(isPreview: bulk.dryRun, act)
    }

    private func once(
        isPreview: Bool, _ act: (PostgresConnection, Progress, _ isPreview: Bool) async throws -> BulkRun.Tally
    ) async throws -> BulkRun.Tally {
        let progress = Progress("waiting for the database")
        return try await context.withDatabase(progress: progress) { connection in
            if let endpoint = try bulk.reference() {
                try await connection.requireEndpoint(endpoint, includingRemoved: true)
            }
            return try await act(connection, progress, isPreview)
        }
    }
}
