import Courier
import FoundationEssentials
import Outbox
import Postgres
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
    private let token: String?
    private let createdAt: PostgresTimestamp

    /// How long it may wait before it is sent.
    private static let patience = Duration.seconds(30)

    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - randomBytes: eight bytes, for the webhook id.
    ///   - token: of OAuth 2, where the endpoint wants one.
    init(
        _ content: PingContent, to endpoint: String, _ settings: SendingSettings, token: String?, now: Double,
        randomBytes: [UInt8]
    ) throws {
        var settings = settings
        // A ping has a form that all receivers know; what a person sends has the one that the endpoint asked for.
        if content.payload == nil, settings.recipe.format == .raw {
            settings = settings.with(BodyRecipe(.envelope))
        }
        self.settings = settings
        self.token = token
        route = settings.route
        eventType = content.eventType
        let payload = try content.payload ?? Array(JSONEncoder().encode(["endpoint": endpoint]))
        webhookID =
            "evt_test_" + randomBytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        createdAt = PostgresTimestamp(unixMicroseconds: Int64(exactly: (now * 1e6).rounded()) ?? 0)
        body = RequestBody(
            try settings.recipe.body(
                EventContent(
                    id: webhookID, type: eventType, createdAt: createdAt, bytes: payload, bodyContentType: nil)))
        mustStartBefore = .now + Self.patience
    }

    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) throws(RequestRefusal) {
        let head = WebhookHead(contentType: "application/json", id: webhookID, eventType: eventType, attempt: 1)
        try lines.append(head, settings, createdAt: createdAt, .none, token: token, at: unixTime, body)
    }
}
