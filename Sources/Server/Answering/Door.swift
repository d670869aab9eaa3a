import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Settings
import Synchronization

/// A door: an HTTP/1.1 server of Hummingbird on SwiftNIO, with our limits around it.
final class Door: Service {
    /// How many connections may wait to be accepted, as far as the system lets them. With fewer, those who come when many others do
    /// wait a second until they are heard.
    private static let backlog = 4_096

    private let option: String
    private let address: ListenAddress
    private let channel: any ServerChildChannel
    private let connections: Connections
    private let drainTime: Duration
    private let opened: @Sendable (ListenAddress) -> Void

    /// - Parameters:
    ///   - option: what gave the address.
    ///   - channel: what answers over each connection.
    ///   - connections: all that there are.
    ///   - opened: is told once where the door is; with the port that the system chose, when it was left to it.
    init(
        _ option: String, at address: ListenAddress, channel: any ServerChildChannel, connections: Connections,
        drainTime: Duration, opened: @escaping @Sendable (ListenAddress) -> Void
    ) {
        self.option = option
        self.address = address
        self.channel = channel
        self.connections = connections
        self.drainTime = drainTime
        self.opened = opened
    }

    func run() async throws {
        let server = channel.server(
            configuration: ServerConfiguration(
                address: .hostname("\(address.host)", port: Int(address.port)), backlog: Self.backlog),
            onServerRunning: { [address, opened] channel in
                let port = channel.localAddress?.port.flatMap { UInt16(exactly: $0) }
                opened(ListenAddress(host: address.host, port: port ?? address.port))
            },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            // It speaks of each connection that ends early; what matters is counted and logged here.
            logger: Logger(label: "hummingbird") { _ in SwiftLogNoOpLogHandler() })
        do {
            try await withGracefulShutdownHandler {
                try await server.run()
            } onGracefulShutdown: { [connections, drainTime] in
                connections.drain(within: drainTime, now: .now)
            }
        } catch let error as IOError {
            throw ConfigurationError(
                .unusableAddress, key: option,
                rule: "is \(address), which cannot be listened on (errno \(error.errnoCode))")
        }
    }
}

/// Doors that close at the same time, so that none takes requests while another drains.
struct OpenDoors: Service {
    let doors: [Door]

    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for door in doors { group.addTask { try await door.run() } }
        }
    }
}
