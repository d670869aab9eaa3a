import Courier
import Outbox
import OutboxStore

/// What came of a ping, as JSON and as text.
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

    /// A ping that the policy of this installation forbids.
    init(endpoint: EndpointRecord, forbidden error: any Error, _ code: ErrorCode) {
        self.endpoint = endpoint.name
        url = endpoint.url
        (webhookId, remoteAddress, httpStatus, responseBody, timings) = (nil, nil, nil, nil, nil)
        ok = false
        errorCode = code.rawValue
        self.error = "\(error)"
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
        switch result.outcome {
        case .answered(let answer):
            ok = (200..<300).contains(answer.status)
            httpStatus = answer.status
            let code: ErrorCode? = ok ? nil : (300..<400).contains(answer.status) ? .redirect : .httpStatus
            errorCode = code?.rawValue
            error = ok ? nil : "the endpoint answered \(answer.status)"
            responseBody = answer.bodyPrefix.isEmpty ? nil : String(decoding: answer.bodyPrefix, as: UTF8.self)
        case .failed(let code, let detail):
            (ok, httpStatus, responseBody) = (false, nil, nil)
            errorCode = code.rawValue
            // For the operator, who may know: the address that the policy forbids.
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
