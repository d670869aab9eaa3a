import Courier
import FoundationEssentials
import Outbox
import OutboxStore
import Webhooks
import Worker

/// A signed event to an endpoint, a `postrider.ping` unless another is given, made by the rules of a worker.
final class PingRequest: CourierRequest {
    let route: CourierRoute
    let body: RequestBody
    let webhookID: String
    let mustStartBefore: ContinuousClock.Instant
    let passesOthers = false

    private let settings: SendingSettings
    private let eventType: String

    /// How long it may wait before it is sent.
    private static let patience = Duration.seconds(30)

    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - randomBytes: eight bytes, for the webhook id.
    /// - Throws: ``SendingObstacle`` when a worker would not send to this endpoint either.
    init(
        _ content: PingContent, to endpoint: EndpointRecord, _ judge: EndpointJudge, now: Double, randomBytes: [UInt8]
    ) throws {
        settings = try judge.settings(endpoint)
        route = settings.route
        eventType = content.eventType
        let payload = try content.payload ?? Array(JSONEncoder().encode(["endpoint": endpoint.name]))
        // A ping has the form that all receivers know; what a person sends has the one that the endpoint asked for.
        let format = content.payload == nil ? .envelope : settings.format
        body = RequestBody(
            format == .envelope
                ? Envelope.body(
                    type: eventType, time: EventTime(microseconds: Int64(exactly: (now * 1e6).rounded()) ?? 0),
                    payload: payload)
                : payload)
        webhookID =
            "evt_test_" + randomBytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        mustStartBefore = .now + Self.patience
    }

    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) throws(RequestRefusal) {
        let head = WebhookHead(contentType: "application/json", id: webhookID, eventType: eventType, attempt: 1)
        try lines.append(head, signedBy: settings.signer, at: unixTime, body)
        for field in settings.headers.fields { lines.append(field.name, field.value) }
    }
}
