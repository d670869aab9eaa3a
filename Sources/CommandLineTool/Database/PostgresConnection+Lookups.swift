import OutboxStore
import Postgres

extension PostgresConnection {
    /// Runs a statement within the time that a command has for one.
    nonisolated func rows<Statement: PostgresStatement>(
        _ statement: Statement
    ) async throws(PostgresError) -> [Statement.Row] {
        try await run(statement, deadline: CommandContext.statementDeadline)
    }

    /// Fails with a clear line when there is no endpoint of this name.
    nonisolated func requireEndpoint(_ name: String, includingRemoved: Bool = false) async throws {
        let found = try await rows(Endpoints.find(name, includingRemoved: includingRemoved))
        guard !found.isEmpty else {
            throw CommandError.unknownEndpoint(name)
        }
    }

    /// The event, or an error that names it: there is none, or a webhook id belongs to another installation.
    @discardableResult
    nonisolated func requireEvent(_ reference: EventReference) async throws -> EventRecord {
        guard let createdAt = try await rows(Events.locate(reference.id)).first ?? nil,
            let event = try await rows(Events.find(reference.id, createdAt: createdAt)).first,
            reference.webhookID ?? event.webhookID == event.webhookID
        else { throw reference.unknown }
        return event
    }

    /// What time it is by the database's clock.
    nonisolated func readClock() async throws -> PostgresTimestamp {
        let clock = try await rows(Status.clock)
        guard let now = clock.first else { throw CommandError(.failure, "the database did not tell the time") }
        return now
    }
}
