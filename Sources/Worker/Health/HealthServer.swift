import FlyingSocks
import FoundationEssentials
package import Logging
import ServiceLifecycle
package import Settings
import Synchronization
import Telemetry

/// Serves `/livez`, `/readyz`, `/healthz` and `/metrics`, and survives whoever talks to it.
///
/// It takes one request a connection, with limits on the size of the request, on the time of the exchange and on the number
/// of connections, so that neither a slow client nor a port scan costs the worker more than a few kilobytes. It runs on
/// FlyingSocks, the socket layer of FlyingFox: FlyingFox's own server has none of these limits.
///
/// List it first in the service group: services stop in reverse order, and probes want answers until the end of the drain.
package final class HealthServer: Service {
    /// What a client may cost.
    package struct Limits: Sendable {
        /// How many connections are served at once. The next ones wait in the accept queue of the system.
        package var connections = 16
        /// How long a connection may take from its acceptance to its end.
        package var deadline: Duration = .seconds(2)
        /// How long to wait before accepting again after the system refused to (as when it has no descriptors left).
        package var pause: Duration = .milliseconds(100)

        /// The defaults.
        package init() {}
    }

    /// Where the server listens; with the port that the system chose, when it was left to it.
    package let address: ListenAddress

    private let socket: Socket
    private let isClosed = Atomic(false)
    private let routes: HealthRoutes
    private let limits: Limits
    private let logger: Logger

    /// Binds to `address` at once, so that an address that cannot be had stops the start.
    ///
    /// - Parameters:
    ///   - metrics: writes the metrics in the Prometheus text format, on each scrape.
    /// - Throws: when the address is in use, not of this machine, or its port is reserved for others.
    package init(
        listeningOn address: ListenAddress, state: HealthState, limits: Limits = Limits(), logger: Logger,
        metrics: @escaping @Sendable () -> String
    ) throws(ConfigurationError) {
        (socket, self.address) = try Self.listen(on: address)
        routes = HealthRoutes(state: state, metrics: metrics)
        self.limits = limits
        self.logger = logger
    }

    deinit {
        close()
    }

    /// Serves until the task is cancelled or a graceful shutdown reaches this service.
    package func run() async throws {
        defer { close() }
        try await cancelWhenGracefulShutdown {
            let listener = try AsyncSocket(socket: self.socket, pool: DispatchSocketPool())
            do {
                try await self.accept(from: listener)
            } catch is CancellationError {}
        }
    }

    private func close() {
        if !isClosed.exchange(true, ordering: .relaxed) {
            try? socket.close()
        }
    }
}

// MARK: - Serving

extension HealthServer {
    private func accept(from listener: AsyncSocket) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var open = 0
            var isRefused = false
            while true {
                if open >= limits.connections {
                    _ = try await group.next()
                    open -= 1
                }
                do {
                    let connection = try await listener.accept()
                    open += 1
                    isRefused = false
                    group.addTask { await self.exchange(over: connection) }
                } catch is CancellationError {
                    throw CancellationError()
                } catch {
                    // Out of descriptors, most likely, which DescriptorLimit is there to prevent. It passes, or it does not.
                    if !isRefused {
                        logger.log(.warning, "Health server cannot accept connections", with: [.error: "\(error)"])
                    }
                    isRefused = true
                    try await Task.sleep(for: limits.pause)
                }
            }
        }
    }

    private func exchange(over connection: AsyncSocket) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await self.answer(connection) }
            group.addTask { try? await Task.sleep(for: self.limits.deadline) }
            await group.next()
            group.cancelAll()
        }
        try? connection.close()
    }

    private func answer(_ connection: AsyncSocket) async throws {
        var received: [UInt8] = []
        var response: HealthResponse?
        while response == nil {
            received += try await connection.read(atMost: HealthRequest.headLimit)
            switch HealthRequest.read(received) {
            case .incomplete: continue
            case .complete(let request): response = routes.answer(request)
            case .tooLarge: response = .status(.headerFieldsTooLarge, "head_too_large")
            case .malformed: response = .status(.badRequest, "bad_request")
            }
        }
        guard let response else { return }
        try await connection.write(Data(response.bytes))
        try await connection.finish()
    }
}
