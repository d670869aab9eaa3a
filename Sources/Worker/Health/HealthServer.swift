import FlyingSocks
import FoundationEssentials
package import Logging
import Outbox
import ServiceLifecycle
package import Settings
import Synchronization
import Telemetry

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Serves `/livez`, `/readyz`, `/healthz` and `/metrics`, and survives every client.
///
/// It takes one request a connection, with limits on the size of the request, on the time of the exchange and on the number
/// of connections, so that neither a slow client nor a port scan costs the worker more than a few kilobytes. It runs on
/// FlyingSocks, the socket layer of FlyingFox: FlyingFox's own server has none of these limits.
///
/// List it first in the service group: services stop in reverse order, and probes want answers until the end of the drain.
package final class HealthServer: Service {
    /// What a client may cost.
    package struct ClientLimits: Sendable {
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
    private let limits: ClientLimits
    private let logger: Logger

    /// Binds to `address` at once, so that an address that cannot be had stops the start.
    ///
    /// - Parameters:
    ///   - metrics: writes the metrics in the Prometheus text format, on each scrape.
    /// - Throws: when the address is in use, not of this machine, or its port is reserved for others.
    package init(
        listeningOn address: ListenAddress, state: HealthState, limits: ClientLimits = ClientLimits(), logger: Logger,
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

// MARK: - Listening

extension HealthServer {
    /// A socket that listens on `address`, and the address it got.
    static func listen(on address: ListenAddress) throws(ConfigurationError) -> (Socket, ListenAddress) {
        do {
            return try open(address)
        } catch {
            throw ConfigurationError(
                .unusableAddress, key: ConfigurationKey.healthListen.rawValue,
                rule: "is \(address), which \(reason(for: error))")
        }
    }

    private static func open(_ address: ListenAddress) throws -> (Socket, ListenAddress) {
        let socket: Socket
        switch address.host {
        case .v4:
            socket = try Socket(domain: AF_INET)
            try prepare(socket, for: sockaddr_in.inet(ip4: address.host.description, port: address.port))
        case .v6:
            socket = try Socket(domain: AF_INET6)
            try prepare(socket, for: sockaddr_in6.inet6(ip6: address.host.description, port: address.port))
        }
        switch try socket.sockname() {
        case .ip4(_, let port), .ip6(_, let port):
            return (socket, ListenAddress(host: address.host, port: port))
        case .unix:
            return (socket, address)
        }
    }

    private static func prepare(_ socket: Socket, for address: some SocketAddress) throws {
        do {
            try socket.setValue(true, for: .localAddressReuse)
            try socket.bind(to: address)
            try socket.listen(maxPendingConnection: 64)
        } catch {
            try? socket.close()
            throw error
        }
    }

    private static func reason(for error: any Error) -> String {
        guard case .failed(_, let code, _) = error as? SocketError else { return "cannot be listened on" }
        return switch code {
        case EADDRINUSE: "another process listens on already"
        case EADDRNOTAVAIL: "is not an address of this machine"
        case EACCES, EPERM: "this user may not listen on (ports below 1024 are reserved)"
        case EAFNOSUPPORT: "is of a family this machine does not have"
        default: "cannot be listened on (errno \(code))"
        }
    }
}

extension AsyncSocket {
    /// Says that nothing more will be sent, then waits for the other side to say the same.
    ///
    /// Closing at once while unread bytes are waiting (the body of a POST, say) would reset the connection, and the client
    /// would lose the answer that is on its way.
    func finish() async throws {
        _ = shutdown(socket.file.rawValue, Int32(SHUT_WR))
        var discarded = 0
        while discarded < Self.discardLimit {
            discarded += try await read(atMost: 4096).count
        }
    }

    /// How much of what a client sends after its request is read before it is cut off.
    private static let discardLimit = 64 * 1024
}
