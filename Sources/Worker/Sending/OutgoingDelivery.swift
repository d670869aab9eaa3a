import Courier
import Outbox
import OutboxStore
import Webhooks

/// A claimed delivery on its way through a courier.
final class OutgoingDelivery: CourierRequest {
    let delivery: ClaimedDelivery
    let endpoint: Endpoint
    let route: CourierRoute
    let body: RequestBody
    let mustStartBefore: ContinuousClock.Instant
    /// When the event expires; nil when it never does.
    let expiresAt: ContinuousClock.Instant?

    private let settings: Endpoint.Settings
    private let event: EventHeaders

    init(
        _ delivery: ClaimedDelivery, to endpoint: Endpoint, settings: Endpoint.Settings, event: EventHeaders,
        body: RequestBody, mustStartBefore: ContinuousClock.Instant, expiresAt: ContinuousClock.Instant?
    ) {
        self.delivery = delivery
        self.endpoint = endpoint
        self.settings = settings
        self.event = event
        self.body = body
        self.mustStartBefore = mustStartBefore
        self.expiresAt = expiresAt
        route = settings.route
    }

    /// Standard Webhooks 1.0.0: id, timestamp and signature of this attempt; and what the contract adds.
    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) {
        lines.append("content-type", event.contentType)
        lines.append("webhook-id", event.webhookID)
        lines.append("webhook-timestamp", String(unixTime))
        body.withUnsafeBytes { bytes in
            // An id of ours is always fit to be signed; without a signature nothing may go out.
            if let signature = try? settings.signer.signature(id: event.webhookID, timestamp: unixTime, body: bytes) {
                lines.append("webhook-signature", bytes: signature)
            } else {
                lines.append("webhook-signature", "\n")
            }
        }
        lines.append("webhook-event-type", event.eventType)
        lines.append("webhook-attempt", String(delivery.attempt))
        if let traceparent = event.traceparent { lines.append("traceparent", traceparent) }
        // The event's word counts more than the endpoint's.
        for field in settings.headers.overridden(by: event.fields) { lines.append(field.name, field.value) }
    }
}
