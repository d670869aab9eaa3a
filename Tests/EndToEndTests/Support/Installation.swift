import Foundation
import LocalPostgres
import Postgres
import TestSupport

/// Postrider installed for a test: a migrated database, the executable, and the workers that the test starts.
struct Installation: Sendable {
    /// The connection string for the executable.
    let url: String
    let connection: PostgresConnection
    let executable: Executable

    static let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

    /// A database on the server that all tests share.
    static func with<Result>(_ body: (Installation) async throws -> Result) async throws -> Result {
        try await TemporaryFolder.with { folder in
            let executable = try Executable(folder: folder)
            let template = try await TestDatabase.template(named: "end_to_end") { database in
                try await migrate(database.url, executable)
            }
            return try await TestDatabase.withDatabase(from: template) { database in
                try await lend(database.configuration(), database.url, executable, body)
            }
        }
    }

    /// A database on a server that exists already.
    static func with<Result>(
        url: String, throughPooler pooled: String? = nil, _ body: (Installation) async throws -> Result
    ) async throws -> Result {
        try await TemporaryFolder.with { folder in
            let executable = try Executable(folder: folder)
            try await migrate(url, executable)
            let configuration = try PostgresConfiguration(url, applicationName: "test")
            return try await lend(configuration, pooled ?? url, executable, body)
        }
    }

    private static func lend<Result>(
        _ configuration: PostgresConfiguration, _ url: String, _ executable: Executable,
        _ body: (Installation) async throws -> Result
    ) async throws -> Result {
        let connection = try await TestDatabase.connect(to: configuration)
        do {
            let result = try await body(Installation(url: url, connection: connection, executable: executable))
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }

    private static func migrate(_ url: String, _ executable: Executable) async throws {
        let ending = try await executable.run(["migrate"], settings: settings(url))
        guard ending.status == 0 else { throw TimedOut(description: "migrate: \(ending.errors)") }
    }

    /// The settings of every command here.
    static func settings(_ url: String) -> [String: String] {
        [
            "POSTRIDER_DATABASE_URL": url, "POSTRIDER_ALLOW_HTTP": "true",
            "POSTRIDER_ALLOWED_NETWORKS": "127.0.0.0/8",
        ]
    }
}

extension Installation {
    /// Runs a statement; the first column of its first row.
    @discardableResult
    func value(_ sql: String, _ values: [String?] = []) async throws -> String? {
        try await rows(sql, values).first?.first ?? nil
    }

    func rows(_ sql: String, _ values: [String?] = []) async throws -> [[String?]] {
        try await connection.query(sql, values, deadline: TestDatabase.deadline).rows
    }

    /// What a query counts.
    func count(_ source: String) async throws -> Int {
        Int(try await value("SELECT count(*) FROM \(source)") ?? "") ?? -1
    }

    /// Runs a command of the executable.
    func command(_ arguments: String..., settings: [String: String] = [:]) async throws -> Executable.Ending {
        try await executable.run(arguments, settings: Self.settings(url).merging(settings) { $1 })
    }

    /// Adds an endpoint by the command line.
    func addEndpoint(_ name: String, _ url: String, _ options: String...) async throws {
        try await addEndpoint(name, url, options)
    }

    /// Adds an endpoint by the command line.
    func addEndpoint(_ name: String, _ url: String, _ options: [String]) async throws {
        let arguments = ["endpoint", "add", name, url, "--secret", Self.secret] + options
        let ending = try await executable.run(arguments, settings: Self.settings(self.url))
        guard ending.status == 0 else { throw TimedOut(description: "endpoint add: \(ending.errors)") }
    }

    /// Commits this many events of a type in one transaction; their payloads carry `n`, counted from `first`.
    func publish(_ type: String, _ count: Int, from first: Int = 1) async throws {
        try await value(
            """
            INSERT INTO postrider.outbox (event_type, payload)
            SELECT $1, ('{"n":' || n || '}')::json FROM generate_series($2::int, $3::int) AS n
            """, [type, String(first), String(first + count - 1)])
    }

    /// Starts a worker and waits until it says that it is ready.
    func startWorker(_ name: String = "worker", settings: [String: String] = [:]) async throws -> RunningProgram {
        var all = Self.settings(url).merging(settings) { $1 }
        all["POSTRIDER_HEALTH_LISTEN"] = try all["POSTRIDER_HEALTH_LISTEN"] ?? "127.0.0.1:\(LoopbackPort.free())"
        let worker = try executable.start(["worker"], settings: all, name: name)
        try await eventually("\(name) is ready") {
            guard worker.isRunning else { throw TimedOut(description: "\(name) ended: \(worker.said)") }
            return worker.said.contains("the worker is ready")
        }
        return worker
    }

    /// Waits until this many deliveries have been recorded as delivered.
    func waitForDelivered(_ count: Int, within limit: Duration = .seconds(30)) async throws {
        try await eventually("\(count) deliveries", within: limit) {
            try await self.count("postrider.event_deliveries WHERE status = 'delivered'") >= count
        }
    }
}
