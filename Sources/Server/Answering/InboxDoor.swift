import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Settings
import Synchronization

/// The public door: an HTTP/1.1 server of Hummingbird on SwiftNIO, with our limits around it.
final class InboxDoor: Service {
    /// How many connections may wait to be accepted.
    private static let backlog = 1_024

    private let address: ListenAddress
    private let responder: InboxResponder
    private let drainTime: Duration
    private let opened: @Sendable (ListenAddress) -> Void

    /// - Parameter opened: is told once where the door is; with the port that the system chose, when it was left to it.
    init(
        _ address: ListenAddress, responder: InboxResponder, drainTime: Duration,
        opened: @escaping @Sendable (ListenAddress) -> Void
    ) {
        self.address = address
        self.responder = responder
        self.drainTime = drainTime
        self.opened = opened
    }

    func run() async throws {
        let connections = responder.connections
        let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: connections.limits.headBytes, maxHeaderListSize: connections.limits.headBytes,
            maxHeaderFieldCount: connections.limits.headers)
        let setup = HTTP1Channel(
            responder: { [responder] request, writer, channel in
                try await responder.respond(to: request, writer, over: channel)
            },
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [ConnectionGuard(connections)], httpDecoderConfiguration: decoder))
        let server = setup.server(
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
            } onGracefulShutdown: { [drainTime] in
                connections.drain(within: drainTime, now: .now)
            }
        } catch let error as IOError {
            throw ConfigurationError(
                .unusableAddress, key: "--inbox",
                rule: "is \(address), which cannot be listened on (errno \(error.errnoCode))")
        }
    }
}
