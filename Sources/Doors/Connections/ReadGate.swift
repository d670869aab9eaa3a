import NIOCore

/// Stands before the parser: sees the first byte of a head before there is a whole one, and says when more of the connection is read.
final class ReadGate: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let connection: Connection
    private let turns: LoopTurns
    private var context: ChannelHandlerContext?
    private var isWaiting = false
    private var later: Scheduled<Void>?

    init(_ connection: Connection, turns: LoopTurns) {
        self.connection = connection
        self.turns = turns
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        // It would keep what is left of the connection in memory until its time.
        later?.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let count = unwrapInboundIn(data).readableBytes
        connection.change { $0.bytesArrived(count, now: .now) }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        guard !isWaiting else { return }
        switch connection.change({ $0.reading(now: .now) }) {
        case .atOnce: context.read()
        case .firstInTurn:
            isWaiting = true
            turns.firsts.wait { [self] in go() }
        case .inTurn:
            isWaiting = true
            turns.bodies.wait { [self] in go() }
        case .after(let pause):
            isWaiting = true
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            later = context.eventLoop.scheduleTask(in: TimeAmount(pause)) { bound.value.go() }
        }
    }

    private func go() {
        isWaiting = false
        context?.read()
    }
}
