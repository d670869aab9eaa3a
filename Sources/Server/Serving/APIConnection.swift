import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes

extension APIResponder {
    /// The handlers of one connection to the API: Hummingbird's, with our limits.
    var channel: HTTP1Channel {
        let limits = connections.limits
        let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: limits.headBytes, maxHeaderListSize: limits.headBytes,
            maxHeaderFieldCount: limits.headers)
        return HTTP1Channel(
            responder: { [self] request, writer, channel in
                try await respond(to: request, writer, over: channel)
            },
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [ConnectionGuard<HTTPRequestPart, HTTPResponsePart>(self.connections)],
                httpDecoderConfiguration: decoder))
    }
}

/// The connection must end: a refused request was not read to its end, or enough requests came over it.
struct Closing: Error {}

/// Why a body was not read to its end.
enum BodyFault: Error {
    case tooLarge
    /// All bodies together hold too much.
    case noRoom
    /// The connection ended within it.
    case incomplete
}

extension Connections {
    /// Reads a body to its end. What it holds counts until ``release(_:)``.
    @concurrent func read(
        _ body: inout RequestBody.AsyncIterator, limit: Int, of connection: Connection
    ) async throws -> [UInt8] {
        var pieces = BodyPieces()
        while let buffer = try await body.next() {
            let count = buffer.readableBytes
            guard count <= limit - pieces.count else { throw BodyFault.tooLarge }
            let growth = pieces.growth(for: count, announced: nil)
            guard growth == 0 || hold(growth, of: connection) else { throw BodyFault.noRoom }
            pieces.append(buffer, growth: growth)
        }
        // A connection that was closed looks like a body that has come to its end.
        guard connection.state.isComplete else { throw BodyFault.incomplete }
        return pieces.joined()
    }

    /// Gives an answer. Where the request was not read to its end the connection ends with it.
    ///
    /// - Parameter isHead: whether the head alone is asked for.
    @concurrent func give(
        _ answer: Answer, isHead: Bool, over connection: Connection, _ writer: consuming ResponseWriter,
        _ body: inout RequestBody.AsyncIterator
    ) async throws {
        let state = connection.state
        let closes = !state.isComplete || state.answers + 1 >= limits.requests
        try await writer.write(
            response: answer.head(closes: closes),
            body: ResponseBody(byteBuffer: ByteBuffer(string: isHead ? "" : answer.body)))
        guard closes else { return }
        // A connection that is closed while bytes come is reset, and its sender may not see the answer.
        var left = limits.lingerBytes
        while left > 0, let buffer = try await body.next() { left -= buffer.readableBytes }
        throw Closing()
    }
}
