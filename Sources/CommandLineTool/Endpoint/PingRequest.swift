import Courier
import Outbox
import Webhooks
import Worker

/// A signed `postrider.ping` on its way to an endpoint.
final class PingRequest: CourierRequest {
    let route: CourierRoute
    let body: RequestBody
    let webhookID: String
    let mustStartBefore: ContinuousClock.Instant

    private let settings: SendingSettings

    /// The type of the event.
    static let eventType = "postrider.ping"
    /// How long it may wait before it goes out.
    private static let patience = Duration.seconds(30)

    init(webhookID: String, body: [UInt8], to settings: SendingSettings) {
        self.webhookID = webhookID
        self.body = RequestBody(body)
        self.settings = settings
        route = settings.route
        mustStartBefore = .now + Self.patience
    }

    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) throws(RequestRefusal) {
        let head = WebhookHead(contentType: "application/json", id: webhookID, eventType: Self.eventType, attempt: 1)
        try lines.append(head, signedBy: settings.signer, at: unixTime, body)
        for field in settings.headers.fields { lines.append(field.name, field.value) }
    }
}
