import Postgres
import Testing

@testable import CommandLineTool

@Suite struct DatabaseFailureTests {
    private static func refused(_ code: PostgresError.Code, _ state: String) -> PostgresError {
        PostgresError(
            code, "what the server said",
            report: ServerReport(state: SQLState(rawValue: state), severity: "ERROR", message: "what the server said"))
    }

    @Test(arguments: [
        ("28P01", CommandStatus.configuration), ("28000", .configuration), ("3D000", .databaseUnavailable),
        ("57P03", .databaseUnavailable), ("53300", .databaseUnavailable),
    ])
    func connecting(state: String, status: CommandStatus) {
        let error = Self.refused(.connectFailed, state)
        #expect(DatabaseFailure.status(error) == status)
        #expect(DatabaseFailure.remedy(error, .nothing)?.isEmpty == false)
    }

    @Test(arguments: [
        ("23514", CommandStatus.badData), ("23505", .badData), ("P0002", .badData), ("P0001", .badData),
        ("22P02", .badData), ("42P01", .configuration), ("42501", .configuration), ("42883", .configuration),
        ("3F000", .configuration), ("25006", .databaseUnavailable), ("57P01", .databaseUnavailable),
        // It answered: a lock, a time limit or a deadlock is no absence.
        ("55P03", .failure), ("57014", .failure), ("40P01", .failure), ("40001", .failure),
        ("53100", .databaseUnavailable), ("42601", .failure),
    ])
    func running(state: String, status: CommandStatus) {
        #expect(DatabaseFailure.status(Self.refused(.server, state)) == status)
    }

    @Test func withoutAWordFromTheServer() {
        #expect(DatabaseFailure.status(PostgresError(.connectFailed, "x")) == .databaseUnavailable)
        #expect(DatabaseFailure.status(PostgresError(.deadlineExceeded, "x")) == .databaseUnavailable)
        #expect(DatabaseFailure.status(PostgresError(.invalidConfiguration, "x")) == .configuration)
        #expect(DatabaseFailure.status(PostgresError(.unexpectedValue, "x")) == .failure)
    }

    @Test func whatIsRefusedIsToldInOurOwnWords() {
        #expect(DatabaseFailure.message(Self.refused(.server, "P0002"), .option) == "what the server said")
        #expect(DatabaseFailure.message(Self.refused(.server, "42P01"), .option).hasSuffix("Run: postrider migrate"))
    }
}
