import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Stands between the parser of HTTP and what answers, and keeps the connection's state.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let connections: Connections
    private var connection: Connection?

    init(_ connections: Connections) {
        self.connections = connections
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let now = ContinuousClock.now
        let connection = Connection(context.channel, now: now)
        self.connection = connection
        // Without it a head that never ends would count as an idle connection.
        try? context.pipeline.syncOperations.addHandler(ByteWatch(connection), position: .first)
        connections.add(connection, now: now)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: connection?.change { $0.headArrived(now: .now) }
        case .body: break
        case .end: connection?.change { $0.endArrived(now: .now) }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { connection?.change { $0.answered(now: .now) } }
        context.write(data, promise: promise)
    }

    private func leave() {
        if let connection { connections.remove(connection) }
        connection = nil
    }
}

/// Sees the first byte of a head, before the parser has a whole one.
private final class ByteWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: Connection

    init(_ connection: Connection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.change { $0.bytesArrived(now: .now) }
        context.fireChannelRead(data)
    }
}
