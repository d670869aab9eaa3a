import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
package import Settings

/// A door: a server of HTTP/1.1 at an address, with a limit for everything that a sender can do.
///
/// Without TLS, since gateways are for that. SIGTERM closes it: what has come is answered, and nothing more is taken.
package final class Door: Service {
    /// How many connections may wait to be accepted, as far as the system lets them. With fewer, those who come when many others do
    /// wait a second until they are heard.
    private static let backlog: Int32 = 4_096
    /// How much of one connection is read before the others get their turn. With more, a few who send as fast as they can make all
    /// others of the event loop wait; with less, large bodies cost more.
    private static let turnBytes = 16 << 10
    /// How much the system holds of one connection that is not read; Linux takes it twice. With more, thousands of floods fill its memory;
    /// with less, a sender far away gets less than a megabyte a second through.
    private static let systemBytes = 128 << 10

    /// Where it is; with the port that the system chose, when it was left to it.
    package let address: ListenAddress
    /// All connections that there are.
    package let connections: Connections

    private let listener: any Channel
    private let drainTime: Duration
    private let opened: @Sendable (ListenAddress) -> Void

    /// Takes the address at once, so that one that cannot be had stops the start. Who comes before ``run()`` waits until then.
    ///
    /// Not to be called on an event loop.
    ///
    /// - Parameters:
    ///   - doorkeeper: judges each request.
    ///   - limits: what a sender may cost.
    ///   - loops: where requests are read and judged.
    ///   - drainTime: how long requests that have begun may take once the door closes.
    ///   - opened: is told once where the door is.
    package init(
        at address: ListenAddress, _ doorkeeper: any Doorkeeper, limits: ConnectionLimits = ConnectionLimits(),
        on loops: DoorLoops, drainTime: Duration, opened: @escaping @Sendable (ListenAddress) -> Void = { _ in }
    ) throws(ListenError) {
        let connections = Connections(limits: limits)
        let bootstrap = ServerBootstrap(group: loops.group)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            // Who says that nothing more will come still wants the answer.
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.socketOption(.so_rcvbuf), value: Self.systemBytes)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 2_048, maximum: Self.turnBytes)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try Self.furnish(channel, doorkeeper, connections) }
            }
        do {
            let place = try SocketAddress(ipAddress: "\(address.host)", port: Int(address.port))
            listener = try bootstrap.bind(to: place).wait()
        } catch {
            throw ListenError(address, error)
        }
        let port = listener.localAddress?.port.flatMap { UInt16(exactly: $0) }
        self.address = ListenAddress(host: address.host, port: port ?? address.port)
        self.connections = connections
        self.drainTime = drainTime
        self.opened = opened
    }

    deinit {
        listener.close(promise: nil)
    }

    /// Answers until a graceful shutdown reaches it, and then what has come; or until its task is cancelled, which ends all connections.
    package func run() async throws {
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await serve()
            } onGracefulShutdown: { [listener, connections, drainTime] in
                listener.close(promise: nil)
                connections.drain(within: drainTime, now: .now)
            }
        } onCancel: { [listener, connections] in
            listener.close(promise: nil)
            connections.end()
        }
    }

    private func serve() async {
        // It fails where the door was closed before.
        try? await listener.setOption(.autoRead, value: true).get()
        opened(address)
        await withDiscardingTaskGroup { group in
            group.addTask { [connections] in await ConnectionSweep(connections: connections).run() }
            try? await listener.closeFuture.get()
            await connections.waitUntilGone()
            group.cancelAll()
        }
    }

    /// Puts into a connection what reads, judges and answers.
    private static func furnish(
        _ channel: any Channel, _ doorkeeper: any Doorkeeper, _ connections: Connections
    ) throws {
        let limits = connections.limits
        var decoder = NIOHTTPDecoderLimitConfiguration()
        decoder.maxHeaderFieldSize = limits.headBytes
        decoder.maxHeaderListSize = limits.headBytes
        decoder.maxHeaderFieldCount = limits.headers
        let pipeline = channel.pipeline.syncOperations
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: true, withErrorHandling: true, withOutboundHeaderValidation: false,
            withEncoderConfiguration: HTTPResponseEncoder.Configuration(), withDecoderLimitConfiguration: decoder)
        try pipeline.addHandler(Exchange(doorkeeper, connections))
    }
}
