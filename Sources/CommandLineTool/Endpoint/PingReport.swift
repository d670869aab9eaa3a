import Courier
import Outbox
import OutboxStore
import Worker

/// The result of a ping, as JSON and as text.
struct PingReport: Encodable {
    struct Timings: Encodable {
        let nameLookupMs: Double
        let connectMs: Double
        let tlsMs: Double
        let firstByteMs: Double
        let totalMs: Double
    }

    let endpoint: String
    let url: String
    /// Absent when nothing was sent.
    let webhookId: String?
    /// Whether the answer was 2xx.
    let ok: Bool
    let httpStatus: Int?
    let errorCode: String?
    let error: String?
    let remoteAddress: String?
    let responseBody: String?
    /// Absent when nothing was sent.
    let timings: Timings?

    /// For an endpoint that a worker would not send to.
    ///
    /// - Throws: when the installation lacks the secret. That says nothing about the endpoint.
    init(endpoint: EndpointRecord, _ obstacle: SendingObstacle) throws(CommandError) {
        switch obstacle.kind {
        case .secretUnavailable, .keyMissing: throw CommandError(.configuration, obstacle.message)
        case .invalidURL, .invalidHeaders, .invalidEndpoint, .invalidEvent, .blockedAddress: break
        }
        self.endpoint = endpoint.name
        url = endpoint.url
        (webhookId, remoteAddress, httpStatus, responseBody, timings) = (nil, nil, nil, nil, nil)
        ok = false
        errorCode = obstacle.errorCode.rawValue
        error = obstacle.message
    }

    init(endpoint: String, _ ping: PingRequest, _ result: CourierResult) {
        self.endpoint = endpoint
        url = ping.route.url
        webhookId = ping.webhookID
        remoteAddress = result.remoteAddress?.description
        func milliseconds(_ microseconds: Int64) -> Double { Double(microseconds) / 1000 }
        timings = Timings(
            nameLookupMs: milliseconds(result.timings.nameLookup), connectMs: milliseconds(result.timings.connect),
            tlsMs: milliseconds(result.timings.tls), firstByteMs: milliseconds(result.timings.firstByte),
            totalMs: milliseconds(result.timings.total))
        let observation = DeliveryObservation(result.outcome)
        switch result.outcome {
        case .answered(let answer):
            ok = observation.errorCode == nil
            httpStatus = answer.status
            errorCode = observation.errorCode?.rawValue
            error = observation.message
            responseBody = answer.bodyPrefix.isEmpty ? nil : String(decoding: answer.bodyPrefix, as: UTF8.self)
        case .failed(let code, let detail):
            (ok, httpStatus, responseBody) = (false, nil, nil)
            errorCode = code.rawValue
            // The operator may know the address that the policy forbids.
            error = result.blockedAddress.map { "\(detail) (\($0))" } ?? detail
        case .notSent, .interrupted:
            (ok, httpStatus, responseBody) = (false, nil, nil)
            errorCode = ErrorCode.internalError.rawValue
            error = "the ping was not sent"
        }
    }

    func show(on output: Output) {
        let verdict = httpStatus.map { "\($0)" } ?? errorCode ?? "failed"
        let total = timings.map { "  \($0.totalMs) ms" } ?? ""
        output.line("\(ok ? "ok" : "failed")  \(endpoint)  \(verdict)\(total)", ok ? .good : .bad)
        if let advice = PingAdvice.text(endpoint: endpoint, status: httpStatus, code: errorCode) {
            output.line("  → \(advice)")
        }
        output.fields([
            ("URL", url), ("Address", remoteAddress), ("Error", error), ("webhook-id", webhookId),
            ("Name lookup", timings.map { "\($0.nameLookupMs) ms" }), ("Connect", timings.map { "\($0.connectMs) ms" }),
            ("TLS", timings.flatMap { $0.tlsMs > 0 ? "\($0.tlsMs) ms" : nil }),
            ("First byte", timings.map { "\($0.firstByteMs) ms" }),
            ("Answer", responseBody.map { String($0.prefix(500)) }),
        ])
    }
}

/// What an operator can do after a ping that failed. docs/error-codes.md says more.
enum PingAdvice {
    static func text(endpoint: String, status: Int?, code: String?) -> String? {
        let name = ShellWord(endpoint)
        if let status, code == ErrorCode.httpStatus.rawValue { return answered(status, name) }
        return switch code.flatMap(ErrorCode.init(rawValue:)) {
        case .blockedAddress: "if requests should reach it, add its network to POSTRIDER_ALLOWED_NETWORKS"
        case .invalidURL: "postrider endpoint update \(name) --url URL"
        case .invalidHeaders: "postrider endpoint update \(name) --header 'Name: value'"
        case .invalidEndpoint: "postrider endpoint update \(name) replaces what the error names; --help shows how"
        case .connectionRefused: "no server listens at this address and port"
        case .connectTimeout, .networkUnreachable: "a firewall or a wrong address: try curl on this machine"
        case .connectionReset: "a proxy or the receiver closed the connection: see its logs"
        case .dnsFailure: "check the name, and the name servers of this machine"
        case .tlsFailure:
            "the receiver's certificate is expired, is for another name, or lacks its intermediate certificate"
        case .timeout: "the receiver is slow: postrider endpoint update \(name) --timeout 30s gives it more time"
        case .redirect: "redirects are not followed; set the final URL: postrider endpoint update \(name) --url URL"
        case .protocolError: "the server at this address does not speak HTTP: check the URL"
        case .tokenFailure:
            "see the token server's logs; postrider endpoint update \(name) --auth - takes other credentials"
        case .proxyError: "see the proxy's logs, and POSTRIDER_PROXY: postrider doctor"
        case .httpStatus, .responseTooLarge, .lostLease, .eventMissing, .invalidEvent, .secretUnavailable,
            .filterError, .transformError, .internalError, nil:
            nil
        }
    }

    private static func answered(_ status: Int, _ name: ShellWord) -> String {
        if AnswerKind(status: status) == .gone {
            return "the receiver wants no more events; after this answer a delivery would disable the endpoint"
        }
        return switch status {
        case 401, 403:
            "does the receiver have the same secret? postrider endpoint rotate-secret \(name) makes a new one"
        case 404, 405: "is the path right? postrider endpoint update \(name) --url URL"
        default: "see the receiver's own logs"
        }
    }
}
