import NIOCore
import NIOHTTP1
import Outbox

/// Takes the requests of one connection, one after the other, and answers them, all on the event loop of the connection.
///
/// SwiftNIO's own part before it holds the next request back until this one is answered.
final class Exchange: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// How long a refused sender may go on sending before the connection ends under it.
    private static let lingerTime = TimeAmount.seconds(1)

    private enum Step {
        case waiting
        case body(any OpenRequest, announced: Int?)
        /// Answered by its head; the rest is short and is read, so that the connection can be kept.
        case discarding(Answer)
        case answering
        /// Too much of the answer waits for its sender to take it: with the next one behind it, one who reads nothing would fill the memory.
        case giving
        /// The last answer is given. The connection ends soon.
        case lingering(left: Int)
    }

    private let doorkeeper: any Doorkeeper
    private let connections: Connections
    private var connection: Connection?
    private var context: ChannelHandlerContext?
    /// The other end: read once, not for each request.
    private lazy var peer: IPAddress? = context?.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
    private var step = Step.waiting
    private var body = BodyPieces()
    private var isHead = false
    private var isLast = false
    /// The end of a connection that lingers.
    private var farewell: Scheduled<Void>?

    init(_ doorkeeper: any Doorkeeper, _ connections: Connections) {
        self.doorkeeper = doorkeeper
        self.connections = connections
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
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
        self.context = nil
        // It would keep what is left of the connection in memory until its time.
        farewell?.cancel()
    }

    private func leave() {
        abandon()
        if let connection { connections.remove(connection) }
        connection = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What is no HTTP was answered with 400 before this comes here, and each piece behind it comes here, too.
        if farewell != nil, case .dataReceivedInErrorState(_, let buffer)? = error as? ByteToMessageDecoderError {
            return discard(buffer, context)
        }
        abandon()
        step = .lingering(left: connections.limits.headBytes)
        linger(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        switch part {
        case .head: connection?.change { $0.headArrived(now: .now) }
        case .body: break
        case .end: connection?.change { $0.endArrived(now: .now) }
        }
        switch (part, step) {
        case (.head(let head), .waiting): begin(RequestHead(head, peer: peer), context)
        case (.body(let buffer), .body(let open, let announced)): collect(buffer, of: open, announced)
        case (.body(let buffer), .lingering): discard(buffer, context)
        case (.end, .body(let open, _)): finish(open, context)
        case (.end, .discarding(let answer)): give(answer)
        default: break
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .giving = step, context.channel.isWritable { end(context) }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            isLast = true
            switch step {
            case .answering, .giving: break
            // Its answer is not taken yet; with that the connection ends.
            case .lingering where farewell == nil: break
            case .waiting, .body, .discarding, .lingering: context.close(promise: nil)
            }
        }
        // A request that has begun is answered, as the last one.
        if event is DoorCloses {
            isLast = true
            if case .waiting = step { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }
}

// MARK: - A request

extension Exchange {
    private func begin(_ head: RequestHead, _ context: ChannelHandlerContext) {
        isHead = head.method == "HEAD"
        isLast = head.closes
        switch doorkeeper.judge(head) {
        case .finished(let answer) where head.isShort(connections.limits.lingerBytes):
            step = .discarding(answer)
        case .finished(let answer):
            give(answer)
        case .open(let open):
            if head.expectsContinue {
                context.writeAndFlush(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
            }
            step = .body(open, announced: head.contentLength)
        }
    }

    private func collect(_ buffer: ByteBuffer, of open: any OpenRequest, _ announced: Int?) {
        guard let connection else { return }
        let count = buffer.readableBytes
        guard count <= open.mostBodyBytes - body.count else { return refuse(open, .tooLarge) }
        let growth = body.growth(for: count, announced: announced)
        guard growth == 0 || connections.hold(growth, of: connection) else { return refuse(open, .noRoom) }
        body.append(buffer, growth: growth)
    }

    private func refuse(_ open: any OpenRequest, _ fault: BodyFault) {
        body = BodyPieces()
        give(open.refuse(fault))
    }

    /// Drops what comes behind a last answer. Without an end to that, SwiftNIO would read all that the system holds of a sender who has
    /// gone, before it closes.
    private func discard(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        guard case .lingering(let left) = step else { return }
        step = .lingering(left: left - buffer.readableBytes)
        if left <= buffer.readableBytes { context.close(promise: nil) }
    }

    /// The rest of a body does not come.
    private func abandon() {
        guard case .body(let open, _) = step else { return }
        step = .answering
        body = BodyPieces()
        _ = open.refuse(.incomplete)
    }

    private func finish(_ open: any OpenRequest, _ context: ChannelHandlerContext) {
        let body = self.body
        self.body = BodyPieces()
        step = .answering
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        open.answer(body) { answer in
            if loop.inEventLoop {
                bound.value.give(answer)
            } else {
                loop.execute { bound.value.give(answer) }
            }
        }
    }
}

// MARK: - Its answer

extension Exchange {
    private func give(_ answer: Answer) {
        // Its sender has gone.
        guard let context, let connection else { return }
        // The connection failed after its request had come.
        if case .lingering = step { return }
        connections.release(connection)
        let state = connection.state
        isLast = isLast || !state.isComplete || state.answers + 1 >= connections.limits.requests
        let head = answer.head(closes: isLast)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !isHead, head.status.mayHaveResponseBody {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        }
        connection.change { $0.answered(now: .now) }
        guard !isLast, !context.channel.isWritable else { return end(context) }
        step = .giving
        context.flush()
    }

    /// Lets the next request in, or says that there is none.
    private func end(_ context: ChannelHandlerContext) {
        guard isLast else {
            step = .waiting
            return context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
        step = .lingering(left: connections.limits.lingerBytes)
        let taken = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        taken.futureResult.whenComplete { _ in
            let exchange = bound.value
            if let context = exchange.context { exchange.linger(context) }
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: taken)
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
