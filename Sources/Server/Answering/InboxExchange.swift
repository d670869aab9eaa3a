import Dispatch
import HTTPTypes
import Inbox
import NIOCore
import NIOHTTPTypes
import Outbox

/// Takes the requests of one connection, one after the other, and answers them, all on the event loop of the connection: what is
/// refused costs no switch to another thread, and what is stored costs two.
///
/// The handler before it holds the next request back until this one is answered.
final class InboxExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundOut = HTTPResponsePart

    /// Larger bodies are not verified on the event loop: a megabyte takes a millisecond or two, in which no other connection of
    /// the loop is served. Smaller ones take less than going elsewhere and back.
    private static let mostOnLoop = 64 << 10
    /// One at a time, so that large bodies with wrong signatures never take more than one core.
    private static let largeBodies = DispatchQueue(label: "postrider.large-bodies")
    /// Room for a body that is announced. One that is longer must come before it is given more.
    private static let firstRoom = 16 << 10
    /// How long a refused sender may go on sending before the connection ends under it.
    private static let lingerTime = TimeAmount.seconds(1)

    private enum Step {
        case waiting
        case body(IncomingRequest, Source, sender: IPAddress?)
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
    private var step = Step.waiting
    private var bytes: [UInt8] = []
    private var isHead = false
    private var isLast = false

    init(_ responder: InboxResponder) {
        self.responder = responder
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connection = connections.find(context.channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What is no HTTP was answered with 400 before this comes here.
        linger(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), step) {
        case (.head(let head), .waiting): begin(head, context)
        case (.body(let buffer), .body(_, let source, _)): collect(buffer, for: source)
        case (.body(let buffer), .lingering(let left)):
            step = .lingering(left: left - buffer.readableBytes)
            if left <= buffer.readableBytes { context.close(promise: nil) }
        case (.end, .body(let request, let source, let sender)): finish(request, from: sender, for: source)
        case (.end, .discarding(let outcome)):
            step = .answering
            answer(outcome)
        default: break
        }
    }
}

// MARK: - A request

extension InboxExchange {
    private func begin(_ head: HTTPRequest, _ context: ChannelHandlerContext) {
        // It ended before its request was looked at.
        guard connection != nil else { return context.close(promise: nil) }
        let request = IncomingRequest(head, peer: context.remoteAddress?.ipAddress.flatMap { IPAddress($0) })
        isHead = request.method == "HEAD"
        isLast = request.closes
        switch responder.judge(request) {
        case .finished(let outcome) where request.isShort(connections.limits.lingerBytes):
            step = .discarding(outcome)
        case .finished(let outcome):
            answer(outcome)
        case .source(let source, let sender):
            if request.expectsContinue {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
            bytes.reserveCapacity(min(request.contentLength ?? 0, Self.firstRoom))
            step = .body(request, source, sender: sender)
        }
    }

    private func collect(_ buffer: ByteBuffer, for source: Source) {
        guard let connection else { return }
        let count = buffer.readableBytes
        guard count <= source.maxBody - bytes.count else { return refuse(.bodyTooLarge, source) }
        guard connections.hold(count, of: connection) else { return refuse(.queueFull, source) }
        bytes.append(contentsOf: buffer.readableBytesView)
    }

    private func refuse(_ refusal: Refusal, _ source: Source) {
        bytes = []
        answer(responder.refused(refusal, source))
    }

    private func finish(_ request: IncomingRequest, from sender: IPAddress?, for source: Source) {
        let body = bytes
        bytes = []
        step = .answering
        guard body.count > Self.mostOnLoop, let context else {
            return take(responder.admit(body, request, from: sender, for: source), of: source)
        }
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        Self.largeBodies.async { [responder] in
            let admission = responder.admit(body, request, from: sender, for: source)
            loop.execute { bound.value.take(admission, of: source) }
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
        context.write(wrapOutboundOut(.head(outcome.answer.head(closes: closes))), promise: nil)
        if !isHead {
            context.write(wrapOutboundOut(.body(ByteBuffer(string: outcome.answer.body))), promise: nil)
        }
        step = closes ? .lingering(left: connections.limits.lingerBytes) : .waiting
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if closes { linger(context) }
    }

    /// Says that nothing more is written, and ends the connection a little later: a connection that is closed while bytes come
    /// is reset, and its sender may not see the answer.
    private func linger(_ context: ChannelHandlerContext) {
        context.close(mode: .output, promise: nil)
        let channel = context.channel
        context.eventLoop.scheduleTask(in: Self.lingerTime) { channel.close(promise: nil) }
    }
}
