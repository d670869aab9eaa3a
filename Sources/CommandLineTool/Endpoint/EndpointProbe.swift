import FoundationEssentials
import Outbox
import OutboxStore
import Webhooks
import Worker

/// Makes the ping for an endpoint as it is stored, by the rules that a worker keeps.
struct EndpointProbe {
    let judge: EndpointJudge
    /// Seconds since 1970.
    let now: Double
    let randomBytes: (Int) -> [UInt8]

    private struct Ping: Encodable {
        let endpoint: String
    }

    /// - Throws: ``SendingObstacle`` when a worker would send nothing either.
    func ping(_ endpoint: EndpointRecord) throws -> PingRequest {
        let settings = try judge.settings(endpoint)
        let body = Envelope.body(
            type: PingRequest.eventType, time: EventTime(microseconds: Int64(exactly: (now * 1e6).rounded()) ?? 0),
            payload: Array(try JSONEncoder().encode(Ping(endpoint: endpoint.name))))
        return PingRequest(
            webhookID: "evt_test_"
                + randomBytes(8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined(),
            body: body, to: settings)
    }
}
