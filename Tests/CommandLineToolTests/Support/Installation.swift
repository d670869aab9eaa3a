import Foundation
import OutboxStore
import Postgres
import TestSupport

@testable import CommandLineTool

/// A database with the schema in it, and the command line pointed at it.
struct Installation {
    let database: TestDatabase
    let connection: PostgresConnection

    /// Lends one and drops it.
    static func with(_ body: (Installation) async throws -> Void) async throws {
        let template = try await TestDatabase.template(named: "command_line_template") { database in
            let connection = try await database.connect()
            _ = try await Migrator(connection).migrate()
            await connection.close()
        }
        try await TestDatabase.withDatabase(from: template) { database in
            let connection = try await database.connect()
            do {
                try await body(Installation(database: database, connection: connection))
                await connection.close()
            } catch {
                await connection.close()
                throw error
            }
        }
    }

    /// What lets endpoints live on this machine.
    static let trusting = ["POSTRIDER_ALLOW_HTTP": "true", "POSTRIDER_ALLOWED_NETWORKS": "127.0.0.0/8"]

    /// Runs a command. The environment is trusting unless `environment` says otherwise.
    func run(
        _ arguments: String..., input: String = "", answer: String? = nil, width: Int? = nil,
        environment: [String: String] = [:]
    ) async -> Outcome {
        await run(arguments, input: input, answer: answer, width: width, environment: environment)
    }

    func run(
        _ arguments: [String], input: String = "", answer: String? = nil, width: Int? = nil,
        environment: [String: String] = [:], ahead: Double = 0
    ) async -> Outcome {
        let recording = Recording()
        var variables = Self.trusting
        variables["POSTRIDER_DATABASE_URL"] = database.url
        var context = recording.context(
            environment: variables.merging(environment) { $1 }, width: width, input: input,
            now: { Date().timeIntervalSince1970 + ahead })
        if let answer {
            context.inputIsTerminal = true
            context.readAnswer = { answer }
        }
        let status = await CommandLineTool.run(arguments, in: context)
        return Outcome(status: status, output: recording.output, error: recording.error)
    }

    /// Runs SQL and returns the first value.
    @discardableResult
    func sql(_ text: String, _ values: String?...) async throws -> String? {
        try await connection.query(text, values, deadline: TestDatabase.deadline).first
    }

    /// Waits until a session of the database waits for a lock.
    func waitForBlocked() async throws {
        let end = ContinuousClock.now + TestDatabase.deadline
        let blocked = """
            SELECT count(*) > 0 FROM pg_stat_activity, pg_sleep(0.005)
            WHERE datname = current_database() AND wait_event_type = 'Lock'
            """
        while try await sql(blocked) != "t" {
            guard ContinuousClock.now < end else { throw PostgresError(.deadlineExceeded, "no session waits") }
        }
    }

    /// Makes every live delivery a dead letter of three attempts.
    func bury() async throws {
        try await sql(
            """
            WITH gone AS (DELETE FROM postrider.deliveries RETURNING *)
            INSERT INTO postrider.dead (id, event_id, event_at, endpoint_id, bytes, attempts, reason, last_http_status,
                                        last_error_code, last_error)
            SELECT g.id, g.event_id, g.event_at, g.endpoint_id, g.bytes, 3, 'attempts_exhausted', 500, 'http_status',
                   'the endpoint answered 500' FROM gone g
            """)
    }

    /// Records an attempt of every live delivery or dead letter there is.
    func recordAttempts(body: String = "sorry") async throws {
        try await sql(
            """
            INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt,
                                            outcome, worker, http_status, connect_us, remote_address, error_code, error,
                                            response_body)
            SELECT now(), d.event_at, d.event_id, d.endpoint_id, e.url_id, 12345, 1, 1, 7, 500, 1500, '127.0.0.1',
                   'http_status', 'the endpoint answered 500', $1
            FROM (SELECT event_at, event_id, endpoint_id FROM postrider.deliveries
                  UNION ALL SELECT event_at, event_id, endpoint_id FROM postrider.dead) d
            JOIN postrider.endpoints e ON e.id = d.endpoint_id
            """, body)
    }
}
