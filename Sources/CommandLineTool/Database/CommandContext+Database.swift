import Logging
import OutboxStore
import Postgres
import Settings
import Telemetry
import Worker

extension CommandContext {
    /// How long a command waits for the database.
    static let databaseDeadline = Duration.seconds(10)
    /// How long one statement of a command may take.
    static let statementDeadline = Duration.seconds(60)

    /// Where the database is, out of the settings.
    func database(_ configuration: WorkerConfiguration) throws -> PostgresConfiguration {
        try PostgresConfiguration(configuration.databaseURL?.reveal(), applicationName: "postrider")
    }

    /// Lends a connection to a command and closes it afterwards.
    func withDatabase<Result: Sendable>(
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        try await Waiting(context: self, text: "waiting for the database").during {
            try await connected(body)
        }
    }

    private func connected<Result: Sendable>(
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        let connection = try await PostgresConnection.connect(
            try database(configuration()), deadline: Self.databaseDeadline,
            logger: Logger(label: "postrider") { _ in
                SwiftLogNoOpLogHandler()
            })
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Runs one statement on a connection of its own.
    func run<Statement: PostgresStatement>(_ statement: Statement) async throws -> [Statement.Row] {
        try await withDatabase { try await $0.rows(statement) }
    }
}
