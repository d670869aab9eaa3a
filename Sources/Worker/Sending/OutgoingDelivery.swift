package import Courier
import Outbox
import OutboxStore
package import Webhooks

/// A claimed delivery on its way through a courier.
final class OutgoingDelivery: CourierRequest {
    let delivery: ClaimedDelivery
    let endpoint: Endpoint
    let route: CourierRoute
    let body: RequestBody
    let mustStartBefore: ContinuousClock.Instant
    let passesOthers: Bool
    /// When the event expires; nil when it never does.
    let expiresAt: ContinuousClock.Instant?

    private let settings: SendingSettings
    private let event: EventHeaders

    init(
        _ delivery: ClaimedDelivery, to endpoint: Endpoint, settings: SendingSettings, event: EventHeaders,
        body: RequestBody, mustStartBefore: ContinuousClock.Instant, expiresAt: ContinuousClock.Instant?,
        passesOthers: Bool = false
    ) {
        self.delivery = delivery
        self.endpoint = endpoint
        self.settings = settings
        self.event = event
        self.body = body
        self.mustStartBefore = mustStartBefore
        self.expiresAt = expiresAt
        self.passesOthers = passesOthers
        route = settings.route
    }

    /// How long the whole exchange may take.
    var allowedMilliseconds: Int32 { Int32(clamping: route.timeout.attoseconds / 1_000_000_000_000_000) }

    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) throws(RequestRefusal) {
        var head = event.head
        head.attempt = Int32(delivery.attempt)
        try lines.append(head, signedBy: settings.signer, at: unixTime, body)
        // The delivery's number: later events of a key have greater ones at each endpoint, and each keeps its own in every attempt.
        if event.isOrdered { lines.append("webhook-sequence", "\(delivery.id)") }
        // The event's word counts more than the endpoint's.
        for field in settings.headers.overridden(by: event.fields) { lines.append(field.name, field.value) }
    }
}

extension HeaderLines {
    /// Appends the signed head of a request.
    package mutating func append(
        _ head: WebhookHead, signedBy signer: WebhookSigner, at unixTime: Int64, _ body: RequestBody
    ) throws(RequestRefusal) {
        do {
            try body.withUnsafeBytes { bytes in
                try head.append(signedBy: signer, at: unixTime, body: bytes) { append($0, $1) }
            }
        } catch {
            throw RequestRefusal(.internalError, "the request cannot be signed: \(error)")
        }
    }
}
