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

/// An endpoint for tests: it verifies requests, answers 200 or 401, and reports each request.
struct Receiver: Sendable {
    let address: ListenAddress
    /// nil: signatures are not checked.
    let verifier: WebhookVerifier?
    let now: @Sendable () -> Double
    let tell: @Sendable (ReceivedRequest) -> Void
    /// Chooses the status code of the answer.
    var choose: @Sendable (ReceivedRequest) -> Int = { $0.status }

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
        let pool = DispatchSocketPool()
        return switch address.host {
        case .v4:
            HTTPServer.Configuration(
                address: try sockaddr_in.inet(ip4: "\(address.host)", port: address.port), pool: pool, logger: .disabled
            )
        case .v6:
            HTTPServer.Configuration(
                address: try sockaddr_in6.inet6(ip6: "\(address.host)", port: address.port), pool: pool,
                logger: .disabled)
        }
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
        let received = ReceivedRequest(
            time: now(), method: request.method.rawValue, path: request.target.rawValue,
            headers: Dictionary(fields.map { ($0.name.lowercased(), $0.value) }) { "\($0), \($1)" },
            body: body, verification: verify(fields, body))
        tell(received)
        let status = choose(received)
        switch status {
        case 200: return HTTPResponse(statusCode: .ok)
        case 405:
            return HTTPResponse(statusCode: .methodNotAllowed, headers: HTTPHeaders([HTTPHeader("Allow"): "POST"]))
        case 401: return HTTPResponse(statusCode: .unauthorized)
        default: return HTTPResponse(statusCode: HTTPStatusCode(status, phrase: ""))
        }
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
