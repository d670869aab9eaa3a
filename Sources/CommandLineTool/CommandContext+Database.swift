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

    func database(_ configuration: WorkerConfiguration) throws -> PostgresConfiguration {
        try PostgresConfiguration(databaseAddress(configuration).text?.reveal(), applicationName: "postrider")
    }

    func databaseAddress(_ configuration: WorkerConfiguration) -> DatabaseAddress {
        DatabaseAddress(option: databaseURL, setting: configuration.databaseURL, environment: environment)
    }

    /// What named the database, for errors.
    var databaseSource: DatabaseAddress.Source {
        // Settings that cannot be used have stopped the command before.
        (try? configuration()).map { databaseAddress($0).source } ?? .nothing
    }

    /// Lends a connection to a command and closes it afterwards.
    ///
    /// - Parameter progress: what a person is shown who has to wait.
    func withDatabase<Result: Sendable>(
        progress: Progress = Progress("waiting for the database"), _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        try await Waiting(context: self, progress: progress).during {
            try await connected(body)
        }
    }

    /// The same without a line for the one who waits.
    func connected<Result: Sendable>(
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

extension PostgresConnection {
    /// Runs a statement within the time that a command has for one.
    nonisolated func rows<Statement: PostgresStatement>(
        _ statement: Statement
    ) async throws(PostgresError) -> [Statement.Row] {
        try await run(statement, deadline: CommandContext.statementDeadline)
    }

    /// Fails with a clear line when there is no such endpoint.
    nonisolated func requireEndpoint(_ endpoint: EndpointReference, includingRemoved: Bool = false) async throws {
        guard try await !rows(Endpoints.find(endpoint, includingRemoved: includingRemoved)).isEmpty else {
            throw CommandError.unknownEndpoint(endpoint)
        }
    }

    /// The id of the one endpoint that is named, or an error that says that there is none, or several.
    nonisolated func requireOneEndpoint(_ endpoint: EndpointReference) async throws -> Int32 {
        let found = try await rows(Endpoints.find(endpoint))
        guard found.count <= 1 else { throw CommandError.ambiguousEndpoint(endpoint) }
        guard let id = found.first else { throw CommandError.unknownEndpoint(endpoint) }
        return id
    }

    /// Fails with a clear line when there is no source of this name.
    nonisolated func requireSource(_ name: String) async throws {
        guard try await !rows(WebhookSources.tenant(name)).isEmpty else { throw CommandError.unknownSource(name) }
    }

    /// The event, or an error that names it: there is none, a webhook id belongs to another installation, or several have the
    /// number.
    @discardableResult
    nonisolated func requireEvent(_ reference: EventReference) async throws -> EventRecord {
        let places = try await rows(Events.locate(reference.id))
            .filter { reference.webhookID ?? $0.webhookID == $0.webhookID }
        guard places.count <= 1 else { throw reference.ambiguous(places.map(\.webhookID)) }
        guard let place = places.first,
            let event = try await rows(Events.find(reference.id, createdAt: place.createdAt)).first
        else { throw reference.unknown }
        return event
    }

    /// Lends a transaction that only reads, and sees one state of the database: for screens that several statements make.
    nonisolated func withSnapshot<Result: Sendable>(
        _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result {
        try await withTransaction(deadline: CommandContext.statementDeadline) { transaction in
            try await transaction.execute(
                script: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
                deadline: CommandContext.statementDeadline)
            return try await body(transaction)
        }
    }

    /// By the database's clock.
    nonisolated func readClock() async throws -> PostgresTimestamp {
        let clock = try await rows(Status.clock)
        guard let now = clock.first else { throw CommandError(.failure, "the database did not return its time") }
        return now
    }
}
