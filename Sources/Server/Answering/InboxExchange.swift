import Dispatch
import Inbox
import NIOCore
import NIOHTTP1
import Outbox

/// Takes the requests of one connection, one after the other, and answers them, all on the event loop of the connection: what is
/// refused costs no switch to another thread, and what is stored costs two.
///
/// The handler before it holds the next request back until this one is answered.
final class InboxExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Larger bodies are not verified on the event loop: a megabyte takes a millisecond or two, in which no other connection of
    /// the loop is served. Smaller ones take less than going elsewhere and back.
    private static let mostOnLoop = 64 << 10
    /// One at a time, so that large bodies with wrong signatures never take more than one core.
    private static let largeBodies = DispatchQueue(label: "postrider.large-bodies")
    /// How long a refused sender may go on sending before the connection ends under it.
    private static let lingerTime = TimeAmount.seconds(1)

    private enum Step {
        case waiting
        case body(InboxResponder.OpenRequest)
        /// Refused by its head; the rest is short and is read, so that the connection can be kept.
        case discarding(InboxResponder.Outcome)
        case answering
        /// Answered before its end. The connection ends soon.
        case lingering(left: Int)
    }

    private let responder: InboxResponder
    private var connections: Connections { responder.connections }
    private var context: ChannelHandlerContext?
    private var connection: Connection?
    /// The other end: read once, not for each request.
    private lazy var peer: IPAddress? = context?.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
    private var step = Step.waiting
    private var body = BodyPieces()
    private var isHead = false
    private var isLast = false
    /// The end of a connection that lingers.
    private var farewell: Scheduled<Void>?

    init(_ responder: InboxResponder) {
        self.responder = responder
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connection = connections.find(context.channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        // It would keep what is left of the connection in memory until its time.
        farewell?.cancel()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What is no HTTP was answered with 400 before this comes here, and each piece behind it comes here, too.
        if farewell != nil, case .dataReceivedInErrorState(_, let buffer)? = error as? ByteToMessageDecoderError {
            return discard(buffer, context)
        }
        step = .lingering(left: connections.limits.headBytes)
        linger(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), step) {
        case (.head(let head), .waiting): begin(head, context)
        case (.body(let buffer), .body(let open)): collect(buffer, of: open)
        case (.body(let buffer), .lingering): discard(buffer, context)
        case (.end, .body(let open)): finish(open)
        case (.end, .discarding(let outcome)):
            step = .answering
            answer(outcome)
        default: break
        }
    }
}

// MARK: - A request

extension InboxExchange {
    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        // It ended before its request was looked at.
        guard connection != nil else { return context.close(promise: nil) }
        let request = IncomingRequest(head, peer: peer)
        isHead = request.method == "HEAD"
        isLast = request.closes
        switch responder.judge(request) {
        case .finished(let outcome) where request.isShort(connections.limits.lingerBytes):
            step = .discarding(outcome)
        case .finished(let outcome):
            answer(outcome)
        case .open(let open):
            if request.expectsContinue {
                context.writeAndFlush(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
            }
            step = .body(open)
        }
    }

    private func collect(_ buffer: ByteBuffer, of open: InboxResponder.OpenRequest) {
        guard let connection else { return }
        let count = buffer.readableBytes
        guard count <= open.source.maxBody - body.count else { return refuse(.bodyTooLarge, open.source) }
        let growth = body.growth(for: count, announced: open.request.contentLength)
        guard growth == 0 || connections.hold(growth, of: connection) else {
            return refuse(.queueFull, open.source)
        }
        body.append(buffer, growth: growth)
    }

    /// Drops what comes behind a last answer. Without an end to that, SwiftNIO would read all that the system holds of a sender who has
    /// gone, before it closes.
    private func discard(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        guard case .lingering(let left) = step else { return }
        step = .lingering(left: left - buffer.readableBytes)
        if left <= buffer.readableBytes { context.close(promise: nil) }
    }

    private func refuse(_ refusal: Refusal, _ source: Source) {
        body = BodyPieces()
        answer(responder.refused(refusal, source))
    }

    private func finish(_ open: InboxResponder.OpenRequest) {
        let body = self.body
        self.body = BodyPieces()
        step = .answering
        guard body.count > Self.mostOnLoop, let context else {
            return take(responder.admit(body.joined(), open), of: open.source)
        }
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        Self.largeBodies.async { [responder] in
            let admission = responder.admit(body.joined(), open)
            loop.execute { bound.value.take(admission, of: open.source) }
        }
    }

    private func take(_ admission: InboxResponder.Admission, of source: Source) {
        switch admission {
        case .finished(let outcome): answer(outcome)
        case .store(let webhook):
            guard let context else { return }
            let loop = context.eventLoop
            let bound = NIOLoopBound(self, eventLoop: loop)
            let began = ContinuousClock.now
            responder.queue.add(webhook) { [responder] result in
                let outcome = responder.settled(result, for: source, since: began)
                loop.execute { bound.value.answer(outcome) }
            }
        }
    }
}

// MARK: - Its answer

extension InboxExchange {
    private func answer(_ outcome: InboxResponder.Outcome) {
        responder.count(outcome)
        // Its sender has gone.
        guard let context, let connection else { return }
        connections.release(connection)
        let state = connection.state
        let closes = isLast || !state.isComplete || state.answers + 1 >= connections.limits.requests
        context.write(wrapOutboundOut(.head(outcome.answer.plainHead(closes: closes))), promise: nil)
        if !isHead {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: outcome.answer.body)))), promise: nil)
        }
        step = closes ? .lingering(left: connections.limits.lingerBytes) : .waiting
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if closes { linger(context) }
    }

    /// Says that nothing more is written, and ends the connection a little later: a connection that is closed while bytes come
    /// is reset, and its sender may not see the answer.
    private func linger(_ context: ChannelHandlerContext) {
        guard farewell == nil else { return }
        connection?.change { $0.linger() }
        let channel = context.channel
        farewell = context.eventLoop.scheduleTask(in: Self.lingerTime) { channel.close(promise: nil) }
        context.close(mode: .output, promise: nil)
    }
}
