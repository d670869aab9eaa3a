import LocalPostgres
import Logging
import Outbox
import OutboxStore
import Postgres
import ServiceLifecycle
import Settings
import Telemetry
import Worker

/// What the demo runs on: its own PostgreSQL, three receivers, and later a worker and an inbox.
struct Scene: Sendable {
    /// Where PostgreSQL keeps everything.
    let directory: String
    /// The environment of the operator's commands.
    let settings: [String: String]
    /// The connection of the application and of the operator.
    let database: PostgresConnection
    let shop: DemoEndpoint
    let flaky: DemoEndpoint
    let broken: DemoEndpoint
    /// Where the receivers listen, by the names of the endpoints.
    let addresses: [String: ListenAddress]
    /// Where worker and inbox find the database.
    let configuration: PostgresConfiguration
    private let now: @Sendable () -> Double
    private let worker: WorkerServices

    var endpoints: [DemoEndpoint] { [shop, flaky, broken] }

    /// How long anything here may take before the demo gives up.
    static let patience = Duration.seconds(20)
    private static let pollInterval = Duration.milliseconds(50)
    static let silent = Logger(label: "postrider.demo") { _ in SwiftLogNoOpLogHandler() }

    /// Sets everything up, lends it to `body`, and removes everything, also when `body` throws.
    static func play<Result: Sendable>(
        _ narrator: Narrator, now: @escaping @Sendable () -> Double, body: (Scene) async throws -> Result
    ) async throws -> Result {
        narrator.says("This is Postrider on a throw-away database.")
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
                    addresses: addresses, configuration: configuration, now: now, worker: try worker(configuration))
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

    private static func worker(_ database: PostgresConfiguration) throws -> WorkerServices {
        var configuration = WorkerConfiguration()
        configuration.healthListen = .loopback(port: 0)
        configuration.allowHTTP = true
        configuration.allowedNetworks = [try Network("127.0.0.0/8")]
        return try WorkerServices(
            configuration, database: database, name: "demo", version: PostriderVersion.current,
            registry: PrometheusRegistry(describing: MetricDescription.postrider), log: silent)
    }

    /// Runs the worker around `body`, and lets it drain at the end.
    func withWorker<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        try await Self.run(
            ServiceGroup.process(worker.all, longestStop: worker.longestStop, log: Self.silent), around: body)
    }

    /// Runs services around `body`, and lets them drain at the end.
    static func run<Result: Sendable>(
        _ services: ServiceGroup, around body: () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await services.run() }
            let result = try await body()
            await services.triggerGracefulShutdown()
            try await group.next()
            return result
        }
    }

    func query(_ sql: String) async throws -> PostgresTable {
        try await database.query(sql, [], deadline: Self.patience)
    }

    func execute(_ script: String) async throws {
        try await database.execute(script: script, deadline: Self.patience)
    }

    func url(of endpoint: DemoEndpoint) -> String {
        addresses[endpoint.name].map { "http://\($0)/\(endpoint.name)" } ?? ""
    }

    func operatorContext(width: Int, print: @escaping @Sendable (String) -> Void) -> CommandContext {
        CommandContext(
            environment: settings, writeOutput: print, writeError: print, terminalWidth: width, now: now)
    }

    /// - Parameter source: a table, with a `WHERE` clause if need be.
    func count(_ source: String) async throws -> Int {
        let text = try await query("SELECT count(*) FROM \(source)").first ?? ""
        guard let count = Int(text) else { throw CommandError(.failure, "cannot count \(source)") }
        return count
    }

    /// Waits until `source` has this many rows.
    func wait(for what: String, count wanted: Int, of source: String) async throws {
        let end = ContinuousClock.now + Self.patience
        while try await count(source) != wanted {
            guard ContinuousClock.now < end else {
                throw CommandError(.failure, "gave up after \(Self.patience) of waiting for \(what)")
            }
            try await Task.sleep(for: Self.pollInterval)
        }
    }
}
