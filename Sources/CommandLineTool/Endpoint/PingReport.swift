import Courier
import Outbox
import OutboxStore
import Worker

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

    /// A ping to an endpoint that a worker would send nothing to.
    ///
    /// - Throws: when the obstacle is this installation's own: without its secret nothing is known about the endpoint.
    init(endpoint: EndpointRecord, _ obstacle: SendingObstacle) throws(CommandError) {
        switch obstacle.kind {
        case .secretUnavailable: throw CommandError(.configuration, obstacle.message)
        case .invalidURL, .invalidHeaders, .blockedAddress: break
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
