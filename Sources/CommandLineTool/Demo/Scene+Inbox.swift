import Courier
import Server
import ServiceLifecycle
import Settings
import Telemetry

extension Scene {
    /// Runs `postrider serve` around `body`, and lets it drain at the end.
    ///
    /// - Parameter body: is told where the inbox is.
    func withInbox<Result: Sendable>(_ body: (ListenAddress) async throws -> Result) async throws -> Result {
        var settings = WorkerConfiguration()
        settings.healthListen = .loopback(port: 0)
        let (stream, opened) = AsyncStream.makeStream(of: ListenAddress.self)
        let doors = ServeServices.Doors(inbox: .loopback(port: 0), randomBytes: CommandContext.systemRandomBytes)
        let services = try ServeServices(
            settings, doors: doors, database: configuration, version: PostriderVersion.current,
            registry: PrometheusRegistry(describing: MetricDescription.inbox), log: Self.silent,
            wallClock: SystemClock.wallMicroseconds
        ) { address in
            opened.yield(address)
        }
        let group = ServiceGroup.process(services.all, longestStop: services.longestStop, log: Self.silent)
        return try await Self.run(
            group,
            around: {
                guard let address = await stream.first(where: { _ in true }) else {
                    throw CommandError(.failure, "no inbox can listen on 127.0.0.1")
                }
                return try await body(address)
            })
    }
}
