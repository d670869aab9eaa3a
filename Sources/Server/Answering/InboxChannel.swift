import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// The handlers of one connection to the inbox.
///
/// Hummingbird would run a task for each connection, and pass each piece of a request to it and of an answer back. Here a request is
/// judged where it is parsed, in the types of the parser.
struct InboxChannel: ServerChildChannel {
    struct Value: ServerChildChannelValue {
        let channel: any Channel
    }

    /// How much of one connection is read before the others get their turn. With more, a few who send as fast as they can make all
    /// others of the event loop wait; with less, large bodies cost more.
    private static let turnBytes = 16 << 10
    /// How much the system holds of one connection that is not read; Linux takes it twice. With more, thousands of floods fill its memory;
    /// with less, a sender far away gets less than a megabyte a second through.
    private static let systemBytes = 128 << 10

    let responder: InboxResponder

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let limits = responder.connections.limits
            var decoder = NIOHTTPDecoderLimitConfiguration()
            decoder.maxHeaderFieldSize = limits.headBytes
            decoder.maxHeaderListSize = limits.headBytes
            decoder.maxHeaderFieldCount = limits.headers
            if let options = channel.syncOptions {
                try options.setOption(.socketOption(.so_rcvbuf), value: Self.systemBytes)
                try options.setOption(.maxMessagesPerRead, value: 1)
                try options.setOption(
                    .recvAllocator,
                    value: AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 2_048, maximum: Self.turnBytes))
            }
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: true, withErrorHandling: true, withOutboundHeaderValidation: false,
                withEncoderConfiguration: HTTPResponseEncoder.Configuration(), withDecoderLimitConfiguration: decoder)
            try pipeline.addHandler(
                ConnectionGuard<HTTPServerRequestPart, HTTPServerResponsePart>(responder.connections))
            try pipeline.addHandler(InboxExchange(responder))
            return Value(channel: channel)
        }
    }

    func handle(value: Value, logger: Logger) async {
        try? await value.channel.closeFuture.get()
    }
}
