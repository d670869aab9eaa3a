import LocalPostgres
import Logging
import Outbox
import OutboxStore
import Postgres
import ServiceLifecycle
import Settings
import Telemetry
import Worker

/// What the demonstration plays on: a PostgreSQL of its own with the schema, three receivers, and later a worker.
struct Scene: Sendable {
    /// Where PostgreSQL keeps everything.
    let directory: String
    /// The environment of the operator's commands.
    let settings: [String: String]
    /// A connection as a user's application and an operator would have one.
    let database: PostgresConnection
    let shop: DemoEndpoint
    let flaky: DemoEndpoint
    let broken: DemoEndpoint
    /// Where the receivers listen, by the names of the endpoints.
    let addresses: [String: ListenAddress]
    private let now: @Sendable () -> Double
    private let worker: WorkerService

    var endpoints: [DemoEndpoint] { [shop, flaky, broken] }

    /// How long anything here may take before the demonstration gives up.
    static let patience = Duration.seconds(20)
    private static let pollInterval = Duration.milliseconds(50)
    private static let silent = Logger(label: "postrider.demo") { _ in SwiftLogNoOpLogHandler() }

    /// Sets everything up, lends it, and clears everything away, however `body` ends.
    static func play<Result: Sendable>(
        _ narrator: Narrator, now: @escaping @Sendable () -> Double, body: (Scene) async throws -> Result
    ) async throws -> Result {
        narrator.says("Postrider: the whole story, on a throw-away database.")
        let cluster = try await ThrowAwayCluster.start(.init(isDurable: false))
        do {
            let result = try await receive(now: now) { endpoints, addresses in
                let configuration = try PostgresConfiguration(cluster.url(), applicationName: "postrider demo")
                let database = try await PostgresConnection.connect(configuration, deadline: patience, logger: silent)
                let scene = Scene(
                    directory: cluster.directory,
                    settings: [
                        ConfigurationKey.databaseURL.rawValue:
                            "host=\(cluster.directory) dbname=postgres user=postgres",
                        ConfigurationKey.allowHTTP.rawValue: "true",
                        ConfigurationKey.allowedNetworks.rawValue: "127.0.0.0/8",
                    ], database: database, shop: endpoints[0], flaky: endpoints[1],
                    broken: endpoints[2],
                    addresses: addresses, now: now, worker: try worker(configuration))
                do {
                    let result = try await body(scene)
                    await database.close()
                    return result
                } catch {
                    await database.close()
                    throw error
                }
            }
            await cluster.remove()
            return result
        } catch {
            await cluster.remove()
            throw error
        }
    }

    /// Runs the receivers around `body`.
    private static func receive<Result: Sendable>(
        now: @escaping @Sendable () -> Double,
        body: ([DemoEndpoint], [String: ListenAddress]) async throws -> Result
    ) async throws -> Result {
        let endpoints = [
            try DemoEndpoint(name: "shop", pattern: "order.*", .accepts),
            try DemoEndpoint(name: "flaky", pattern: "invoice.*", .failsTwice),
            try DemoEndpoint(name: "broken", pattern: "parcel.*", .isBroken),
        ]
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            var addresses: [String: ListenAddress] = [:]
            for endpoint in endpoints {
                let (stream, listening) = AsyncStream.makeStream(of: ListenAddress.self)
                group.addTask {
                    defer { listening.finish() }
                    try await endpoint.run(now: now) { listening.yield($0) }
                }
                guard let address = await stream.first(where: { _ in true }) else {
                    throw CommandError(.failure, "no receiver can listen on 127.0.0.1")
                }
                addresses[endpoint.name] = address
            }
            return try await body(endpoints, addresses)
        }
    }

    private static func worker(_ database: PostgresConfiguration) throws -> WorkerService {
        var configuration = WorkerConfiguration()
        configuration.healthListen = .loopback(port: 0)
        configuration.allowHTTP = true
        configuration.allowedNetworks = [try Network("127.0.0.0/8")]
        return try WorkerService(
            configuration, database: database, name: "demo", version: PostriderVersion.current,
            registry: PrometheusRegistry(describing: MetricDescription.postrider), log: silent)
    }

    /// Runs the worker around `body`, and has it drain at the end.
    func withWorker<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        let services = ServiceGroup(
            configuration: .init(
                services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: Self.silent))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await services.run() }
            let result = try await body()
            await services.triggerGracefulShutdown()
            try await group.next()
            return result
        }
    }

    /// Runs a query as the application or the operator.
    func query(_ sql: String, _ values: [String?] = []) async throws -> PostgresTable {
        try await database.query(sql, values, deadline: Self.patience)
    }

    /// Runs the statements of a script as the application or the operator.
    func execute(_ script: String) async throws {
        try await database.execute(script: script, deadline: Self.patience)
    }

    /// Where an endpoint receives.
    func url(of endpoint: DemoEndpoint) -> String {
        addresses[endpoint.name].map { "http://\($0)/\(endpoint.name)" } ?? ""
    }

    /// What a command of the operator runs in.
    func operatorContext(width: Int, print: @escaping @Sendable (String) -> Void) -> CommandContext {
        CommandContext(
            environment: settings, writeOutput: print, writeError: print, terminalWidth: width, now: now)
    }

    /// Waits until `condition` holds.
    func wait(for what: String, until condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + Self.patience
        while try await !condition() {
            guard ContinuousClock.now < end else {
                throw CommandError(.failure, "waited \(Self.patience) in vain for \(what)")
            }
            try await Task.sleep(for: Self.pollInterval)
        }
    }

    /// Waits until a query that counts finds this many.
    func wait(for what: String, count: Int, _ sql: String) async throws {
        try await wait(for: what) { try await query(sql).first == String(count) }
    }
}
