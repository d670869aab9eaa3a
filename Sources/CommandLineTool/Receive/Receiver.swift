import FlyingFox
import FlyingSocks
import Foundation
import Outbox
import Settings
import Webhooks
import Worker

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An endpoint for tests: it verifies requests, answers 200 or 401 or as it is told, and reports each request.
struct Receiver: Sendable {
    let address: ListenAddress
    /// nil: signatures are not checked.
    let verifier: WebhookVerifier?
    let now: @Sendable () -> Double
    let tell: @Sendable (ReceivedRequest) -> Void
    /// Chooses the answer.
    var choose: @Sendable (ReceivedRequest) async -> Reply = { Reply(status: $0.deservedStatus) }
    /// How long each answer waits.
    var delay = Duration.zero

    /// The most bytes of a body that are accepted.
    static let bodyLimit = 1 << 20

    /// Receives until the task is cancelled.
    /// - Parameter listening: called with the address once requests can come.
    func run(listening: @escaping @Sendable (ListenAddress) -> Void) async throws {
        let server = HTTPServer(config: try configuration(), handler: ClosureHTTPHandler { try await self.answer($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await server.run()
                } catch SocketError.failed(_, let code, _) where code == EADDRINUSE {
                    throw CommandError(.failure, "another process already listens on \(address)")
                } catch let error as SocketError {
                    throw CommandError(.failure, "cannot listen on \(address): \(error.localizedDescription)")
                }
            }
            group.addTask {
                try await server.waitUntilListening()
                let port: UInt16? =
                    switch await server.listeningAddress {
                    case .ip4(_, let port), .ip6(_, let port): port
                    case .unix, nil: nil
                    }
                listening(ListenAddress(host: address.host, port: port ?? address.port))
                try await Task.sleep(for: .seconds(Int64.max / 2))
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func configuration() throws -> HTTPServer.Configuration {
        HTTPServer.Configuration(
            address: try address.socketAddress(), pool: DispatchSocketPool(), logger: .disabled)
    }

    private func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
        var body: [UInt8] = []
        for try await chunk in request.bodySequence {
            body += chunk
            guard body.count <= Self.bodyLimit else {
                return HTTPResponse(statusCode: .payloadTooLarge, headers: HTTPHeaders([.connection: "close"]))
            }
        }
        let fields = request.headers.map { (name: $0.key.rawValue, value: $0.value) }
        var received = ReceivedRequest(
            time: now(), method: request.method.rawValue, path: request.target.rawValue,
            headers: Dictionary(fields.map { ($0.name.lowercased(), $0.value) }) { "\($0), \($1)" },
            body: body, verification: verify(fields, body))
        let reply = await choose(received)
        received.answeredStatus = reply.status
        tell(received)
        if delay > .zero { try await Task.sleep(for: delay) }
        return Self.response(reply)
    }

    private static func response(_ reply: Reply) -> HTTPResponse {
        var headers = HTTPHeaders(
            Dictionary(reply.headers.map { (HTTPHeader($0.key), $0.value) }, uniquingKeysWith: { first, _ in first }))
        if reply.status == 405 { headers[HTTPHeader("Allow")] = "POST" }
        let code: HTTPStatusCode =
            switch reply.status {
            case 200: .ok
            case 401: .unauthorized
            case 405: .methodNotAllowed
            default: HTTPStatusCode(reply.status, phrase: "")
            }
        return HTTPResponse(statusCode: code, headers: headers, body: Data(reply.body))
    }

    private func verify(_ fields: [(name: String, value: String)], _ body: [UInt8]) -> ReceivedRequest.Verification {
        guard let verifier else { return .unchecked }
        do {
            _ = try verifier.verify(headers: fields, body: body, now: Int64(exactly: now().rounded(.down)) ?? 0)
            return .verified
        } catch {
            return .refused(code: error.code.rawValue, message: error.message)
        }
    }
}
