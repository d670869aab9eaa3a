import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Stands between the parser of HTTP and what answers, and keeps the connection's state.
final class ConnectionGuard<Request: ExchangePart, Response: ExchangePart>: ChannelDuplexHandler,
    RemovableChannelHandler
{
    typealias InboundIn = Request
    typealias InboundOut = Request
    typealias OutboundIn = Response
    typealias OutboundOut = Response

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
        try? context.pipeline.syncOperations.addHandler(
            ReadGate(connection, turns: connections.turns(of: context.eventLoop)), position: .first)
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
        switch unwrapInboundIn(data).place {
        case .head: connection?.change { $0.headArrived(now: .now) }
        case .body: break
        case .end: connection?.change { $0.endArrived(now: .now) }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data).place { connection?.change { $0.answered(now: .now) } }
        context.write(data, promise: promise)
    }

    private func leave() {
        if let connection { connections.remove(connection) }
        connection = nil
    }
}

/// Where a part of a request or of an answer stands in it.
enum PartPlace {
    case head
    case body
    case end
}

/// A part of a request or of an answer, in the types of the parser or in those of Hummingbird.
protocol ExchangePart {
    var place: PartPlace { get }
}

extension HTTPPart: ExchangePart {
    var place: PartPlace {
        switch self {
        case .head: .head
        case .body: .body
        case .end: .end
        }
    }
}

extension HTTPRequestPart: ExchangePart {
    var place: PartPlace {
        switch self {
        case .head: .head
        case .body: .body
        case .end: .end
        }
    }
}

extension HTTPResponsePart: ExchangePart {
    var place: PartPlace {
        switch self {
        case .head: .head
        case .body: .body
        case .end: .end
        }
    }
}
