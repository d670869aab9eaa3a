import Courier
import Webhooks

/// A signed `postrider.ping` on its way to an endpoint.
final class PingRequest: CourierRequest {
    let route: CourierRoute
    let body: RequestBody
    let webhookID: String
    let mustStartBefore: ContinuousClock.Instant

    private let signer: WebhookSigner
    private let headers: [(name: String, value: String)]

    /// The type of the event.
    static let eventType = "postrider.ping"
    /// How long it may wait before it goes out.
    private static let patience = Duration.seconds(30)

    init(
        webhookID: String, route: CourierRoute, body: [UInt8], signer: WebhookSigner,
        headers: [(name: String, value: String)]
    ) {
        self.webhookID = webhookID
        self.route = route
        self.body = RequestBody(body)
        self.signer = signer
        self.headers = headers
        mustStartBefore = .now + Self.patience
    }

    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) {
        let head = WebhookHead(
            contentType: "application/json", id: webhookID, eventType: Self.eventType, attempt: 1)
        do {
            try body.withUnsafeBytes { bytes in
                try head.append(signedBy: signer, at: unixTime, body: bytes) { lines.append($0, $1) }
            }
        } catch {
            // Without a signature nothing may go out: a line break is refused, and with it the request.
            lines.append(WebhookHeader.signature, "\n")
        }
        for header in headers { lines.append(header.name, header.value) }
    }
}
