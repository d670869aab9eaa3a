import CoreMetrics
import Courier
package import Logging
import Outbox
import OutboxStore
package import Postgres
import ServiceLifecycle
package import Settings
import Synchronization
package import Telemetry
import Webhooks

/// A worker: claims, delivers, records, keeps house and serves health, until it is told to stop.
package struct WorkerService: Service {
    /// A loop that is silent for this long is stuck. Longer than the statements of one turn may take together, so that a
    /// database which hangs does not make a worker look dead.
    static let silence = Duration.seconds(60)

    private let parts: WorkerParts
    private let name: String
    private let version: String
    private let session: PostgresSession
    private let services: [any Service]
    private let pool: CourierPool

    /// Puts a worker together. Nothing runs yet, but the health port is bound, so that a port in use stops the start.
    ///
    /// - Parameters:
    ///   - database: where the schema is.
    ///   - name: host and process, for the list of workers.
    ///   - version: of the product; part of the user agent.
    ///   - sealing: the content of the key file, if there is one.
    /// - Throws: ``ConfigurationError`` for the health port and the key file.
    package init(
        _ configuration: WorkerConfiguration, database: PostgresConfiguration, name: String, version: String,
        keyFile: Redacted<[UInt8]>? = nil, registry: PrometheusRegistry, log: Logger,
        wallClock: @escaping @Sendable () -> Int64 = SystemClock.wallMicroseconds,
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) throws {
        guard TrustedRoots.systemFile() != nil else {
            throw ConfigurationError(
                .unreadableFile, rule: "no trusted root certificates on this machine; install ca-certificates")
        }
        let metrics = DeliveryMetrics(registry: registry, version: version)
        let health = HealthState()
        let claimWakeup = Wakeup(label: "postrider.claimer")
        let settleWakeup = Wakeup(label: "postrider.settler")
        let queue = SettleQueue(arrived: settleWakeup)
        let permits = DescriptorLimit.raise().deliveries(wanted: configuration.maxInFlight)
        let inFlight = InFlight(limit: permits, byteLimit: configuration.maxInFlightBytes)
        let addresses = AddressPolicy(allowed: configuration.allowedNetworks)
        let sealing = try keyFile.map { try SecretSealing(keyFile: $0.reveal()) }
        parts = WorkerParts(
            configuration: configuration, identity: WorkerIdentity(),
            permits: Permits(inFlight, freed: claimWakeup), settleQueue: queue, lanes: BusyLanes(),
            judge: EndpointJudge(
                policy: EndpointPolicy(allowHTTP: configuration.allowHTTP, addresses: addresses), sealing: sealing,
                version: version),
            builder: DeliveryBuilder(leaseSlack: configuration.leaseSlack), health: health, metrics: metrics, log: log,
            wallClock: wallClock, random: random)
        self.name = name
        self.version = version
        metrics.maxInFlight.record(permits)
        health.show(in: registry)

        func session(_ purpose: String) -> PostgresSession {
            PostgresSession(
                database, logger: log, random: random,
                onEvent: { Self.report($0, purpose, metrics: metrics, log: log) })
        }
        let receiver = ResultReceiver(
            queue: queue, metrics: metrics, log: log, wallClock: wallClock, random: random)
        var courier = CourierConfiguration()
        courier.maximumInFlight = permits
        courier.maximumConnections = permits
        pool = try CourierPool(
            configuration: courier, judge: { addresses.verdict($0).isAllowed }, deliver: receiver.receive)
        self.session = session("start")
        let server = try HealthServer(
            listeningOn: configuration.healthListen, state: health, logger: log, metrics: registry.exposition)
        // Stopped from the last to the first, each when the one after it has ended.
        services = [
            server,
            Vacuumer(session: session("vacuumer"), log: log),
            Housekeeper(parts, session: session("housekeeper")),
            Settler(parts, session: session("settler"), arrived: settleWakeup),
            Claimer(parts, session: session("claimer"), pool: pool, wakeup: claimWakeup),
        ]
    }

    /// Runs until a graceful shutdown has been carried out.
    package func run() async throws {
        let group = ServiceGroup(
            configuration: .init(
                services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
                logger: parts.log))
        await withDiscardingTaskGroup { tasks in
            tasks.addTask { await register() }
            await withGracefulShutdownHandler {
                do { try await group.run() } catch {
                    parts.log.log(.error, "the worker ended", with: [.error: "\(error)"])
                }
            } onGracefulShutdown: {
                Task { await group.triggerGracefulShutdown() }
            }
            tasks.cancelAll()
        }
        await pool.close()
        await session.close()
    }

    /// Enters this worker in the list, however long the database takes to come. Nothing is claimed before that.
    private func register() async {
        let pause = Wakeup(label: "postrider.register")
        while !Task.isCancelled {
            do throws(PostgresError) {
                let ids = try await session.run(RegisterWorker(name: name, version: version), deadline: .seconds(10))
                if let id = ids.first {
                    parts.identity.set(id)
                    parts.health.set(.starting, false)
                    parts.log.log(.notice, "the worker is ready", with: [.worker: "\(id)", .version: "\(version)"])
                }
                return
            } catch {
                parts.log.log(
                    .warning, "the worker could not be registered and tries again", with: [.error: "\(error)"])
                await pause.wait(atMost: .milliseconds(500))
            }
        }
    }

    private static func report(
        _ event: PostgresSessionEvent, _ purpose: String, metrics: DeliveryMetrics, log: Logger
    ) {
        switch event {
        case .connected(let isReconnect):
            guard isReconnect else { return }
            metrics.databaseReconnects.increment()
            log.log(.notice, "connected to the database again", with: [.loop: "\(purpose)"])
        case .disconnected(let error):
            log.log(.warning, "the database connection was lost", with: [.loop: "\(purpose)", .error: "\(error)"])
        case .connectFailed(let error):
            log.log(.warning, "the database cannot be reached", with: [.loop: "\(purpose)", .error: "\(error)"])
        }
    }
}

extension WorkerService: CustomStringConvertible {
    /// What the service group calls it in its log.
    package var description: String { "worker" }
}
