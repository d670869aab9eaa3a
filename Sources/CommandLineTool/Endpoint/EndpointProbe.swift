import Courier
import FoundationEssentials
import Outbox
import OutboxStore
import Settings
import Webhooks

/// Makes the ping for an endpoint as it is stored, by the rules that a worker keeps.
struct EndpointProbe {
    let policy: EndpointPolicy
    /// Opens sealed secrets; nil without a key file.
    let sealing: SecretSealing?
    /// Seconds since 1970.
    let now: Double
    let randomBytes: (Int) -> [UInt8]

    /// Making the connection may take no longer than this.
    private static let connectTimeout = Duration.seconds(5)

    private struct Ping: Encodable {
        let endpoint: String
    }

    func ping(_ endpoint: EndpointRecord) throws -> PingRequest {
        let url = try policy.endpointURL(endpoint.url)
        let timeout = min(max(.milliseconds(endpoint.timeout), Limits.timeout.lowerBound), Limits.timeout.upperBound)
        var fixed = HeaderLines()
        fixed.append("user-agent", "Postrider/\(PostriderVersion.current)")
        let route = CourierRoute(
            id: endpoint.id, revision: endpoint.revision, url: url.absoluteString, host: url.host, port: url.port,
            timeout: timeout, connectTimeout: min(timeout, Self.connectTimeout), fixedHeaders: fixed)
        let headers = try HeaderFields(endpoint.headers.map { try HeaderField($0) }).fields
        let body = Envelope.body(
            type: PingRequest.eventType, time: EventTime(microseconds: Int64(exactly: (now * 1e6).rounded()) ?? 0),
            payload: Array(try JSONEncoder().encode(Ping(endpoint: endpoint.name))))
        return PingRequest(
            webhookID: "evt_test_"
                + randomBytes(8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined(),
            route: route, body: body, signer: try EndpointSigning.signer(endpoint, sealing),
            headers: headers.map { ($0.name, $0.value) })
    }
}
