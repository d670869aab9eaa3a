import CoreMetrics
import Courier
package import Logging
import Outbox
import OutboxStore
package import Postgres
package import ServiceLifecycle
package import Settings
package import Telemetry
import Webhooks

/// A worker, put together: services that claim, deliver, record, keep house and serve health until they are told to stop.
package struct WorkerServices: Sendable {
    /// A loop that is silent for this long is stuck. Longer than the statements of one turn may take together, so that a
    /// database which hangs does not make a worker look dead.
    static let silence = Duration.seconds(60)
    /// The longest wait between two tries to connect: after a restart of the database its workers are there within two seconds.
    private static let reconnecting = Backoff(cap: .seconds(1))
    /// On top of the drain timeout, for recording and closing.
    private static let farewell = Duration.seconds(8)

    /// To be stopped from the last to the first, each when the one after it has ended. None ends before it is told to stop.
    package let all: [any Service]
    /// How long stopping all of them takes at most.
    package let longestStop: Duration

    private let parts: WorkerParts
    private let claimWakeup: Wakeup

    /// Puts a worker together. Nothing runs yet, but the health port is bound, so that a port in use stops the start.
    ///
    /// - Parameters:
    ///   - database: where the schema is.
    ///   - name: host and process, for the list of workers.
    ///   - version: of the product; part of the user agent.
    ///   - keyFile: the content of the key file, if there is one.
    ///   - pauses: for how long the lane of an endpoint that fails closes; nil as ``Breaker`` says.
    /// - Throws: ``ConfigurationError`` for the health port and the key file.
    package init(
        _ configuration: WorkerConfiguration, database: PostgresConfiguration, name: String, version: String,
        keyFile: Redacted<[UInt8]>? = nil, registry: PrometheusRegistry, log: Logger,
        wallClock: @escaping @Sendable () -> Int64 = SystemClock.wallMicroseconds,
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        randomBytes: @escaping @Sendable (Int) -> [UInt8] = { (0..<$0).map { _ in UInt8.random(in: 0...255) } },
        pauses: (@Sendable () -> [Duration])? = nil
    ) throws {
        guard TrustedRoots.systemFile() != nil else {
            throw ConfigurationError(
                .unreadableFile, rule: "no trusted root certificates on this machine; install ca-certificates")
        }
        let metrics = DeliveryMetrics(registry: registry, version: version)
        let health = HealthState()
        let time = SystemLoopClock()
        claimWakeup = Wakeup(on: time)
        let settleWakeup = Wakeup(on: time)
        let queue = SettleQueue(arrived: settleWakeup)
        var courier = CourierConfiguration()
        let permits = DescriptorLimit.raise().deliveries(wanted: configuration.maxInFlight, couriers: courier.couriers)
        let inFlight = InFlight(limit: permits, byteLimit: configuration.maxInFlightBytes)
        let addresses = AddressPolicy(allowed: configuration.allowedNetworks)
        let sealing = try keyFile.map { try SecretSealing(keyFile: $0.reveal()) }
        parts = WorkerParts(
            configuration: configuration, state: WorkerState(),
            permits: Permits(inFlight, freed: claimWakeup), settleQueue: queue,
            judge: EndpointJudge(
                policy: EndpointPolicy(allowHTTP: configuration.allowHTTP, addresses: addresses), sealing: sealing,
                version: version, proxy: configuration.proxy),
            builder: DeliveryBuilder(leaseSlack: configuration.leaseSlack), health: health, metrics: metrics, log: log,
            version: version, time: time, wallClock: wallClock,
            proxy: configuration.proxy.map { _ in ProxyWatch(health: health, metrics: metrics, log: log) })
        longestStop = configuration.drainTimeout + Self.farewell
        metrics.maxInFlight.record(permits)
        health.show(in: registry)
        health.showSurvey(in: registry)
        parts.permits.show(in: registry)
        queue.show(in: registry)

        let (parts, state) = (parts, parts.state)
        let servers = ServerWatch(state: state, health: health, log: log)
        func store(_ purpose: String) -> WorkerStore {
            let session = PostgresSession(
                database, backoff: Self.reconnecting, logger: log, random: random,
                accept: { (connection, deadline) async throws(PostgresError) in
                    try await servers.accept(connection, of: purpose, deadline: deadline)
                },
                onEvent: { event in
                    Self.report(event, purpose, metrics: metrics, log: log)
                    switch event {
                    case .connected(isReconnect: true) where purpose == Claimer.loop: state.reconnected()
                    case .connectFailed(let error) where purpose == Settler.loop: Settler.cannotConnect(parts, error)
                    default: break
                    }
                })
            servers.add(session, of: purpose)
            return WorkerStore(
                session: session, servers: servers, purpose: purpose,
                pauses: pauses ?? { Breaker.pauses(random: random) })
        }
        let receiver = ResultReceiver(
            queue: queue, permits: parts.permits, metrics: metrics, log: log, proxy: parts.proxy, wallClock: wallClock,
            random: random)
        courier.maximumInFlight = permits
        courier.maximumConnections = permits
        courier.proxy = configuration.proxy
        let pool = try CourierPool(
            configuration: courier, judge: DialJudge(addresses).allows, deliver: receiver.receive)
        let server = try HealthRoutes(state: health, metrics: registry.exposition).door(at: configuration.healthListen)
        let desk = TokenDesk(pool)
        let shaper = Shaper(parts, store: store(Shaper.loop), couriers: desk)
        all = [
            PoolClosing(pool: pool),
            server,
            Survey(parts, store: store(Survey.loop)),
            Upkeep(parts, store: store("long duties"), of: Duty.long, limit: Upkeep.longLimit),
            Upkeep(parts, store: store("duties"), of: Duty.short, limit: Upkeep.shortLimit),
            Housekeeper(
                parts, store: store("housekeeper"),
                verifications: VerificationDesk(parts, couriers: pool, random: random, randomBytes: randomBytes)),
            Poller(parts, store: store(Poller.loop), couriers: pool),
            Settler(parts, store: store(Settler.loop), arrived: settleWakeup),
            Registration(parts, store: store("start"), name: name, version: version),
            shaper,
            Claimer(parts, store: store(Claimer.loop), couriers: desk, shaper: shaper, wakeup: claimWakeup),
        ]
    }

    /// Ends a drain before its timeout: what is in flight is stopped now, and recorded if the database is there. Before a
    /// drain, it makes the next one that short.
    package func cutDrain() {
        parts.state.cutDrain()
        claimWakeup.call()
    }

    /// How many deliveries a drain that was cut left as in flight: their outcomes are not recorded, and they are due again
    /// when their leases end. To be asked when all services have ended.
    package var leftByCutDrain: Int {
        parts.state.isDrainCut ? parts.state.givenUpInDrain + parts.permits.current.count : 0
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

/// Closes the pool when everything else has ended.
private struct PoolClosing: Service {
    let pool: CourierPool

    func run() async throws {
        try? await gracefulShutdown()
        await pool.close()
    }
}
