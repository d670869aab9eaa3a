package import Courier
package import Outbox
import OutboxStore
package import Postgres
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
    /// The token of OAuth 2 that it is sent with.
    let token: DeliveryToken?

    private let settings: SendingSettings
    private let event: EventHeaders

    init(
        _ delivery: ClaimedDelivery, to endpoint: Endpoint, settings: SendingSettings, event: EventHeaders,
        body: RequestBody, mustStartBefore: ContinuousClock.Instant, expiresAt: ContinuousClock.Instant?,
        passesOthers: Bool = false, token: DeliveryToken? = nil
    ) {
        self.delivery = delivery
        self.endpoint = endpoint
        self.settings = settings
        self.event = event
        self.body = body
        self.mustStartBefore = mustStartBefore
        self.expiresAt = expiresAt
        self.passesOthers = passesOthers
        self.token = token
        route = settings.route
    }

    /// Whether it is sent with a token of OAuth 2.
    var needsToken: Bool { settings.tokenRoute != nil }

    /// Where its token is to come from; nil when it needs none.
    var tokenSource: TokenSource? { settings.tokenSource }

    /// The same delivery, to be sent with a token.
    func with(_ token: DeliveryToken) -> OutgoingDelivery {
        OutgoingDelivery(
            delivery, to: endpoint, settings: settings, event: event, body: body, mustStartBefore: mustStartBefore,
            expiresAt: expiresAt, passesOthers: passesOthers, token: token)
    }

    /// How long the whole exchange may take.
    var allowedMilliseconds: Int32 { Int32(clamping: route.timeout.attoseconds / 1_000_000_000_000_000) }

    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) throws(RequestRefusal) {
        var head = event.head
        head.attempt = Int32(delivery.attempt)
        try lines.append(
            head, settings, createdAt: event.createdAt, event.fields, token: token?.text, at: unixTime, body)
        // The delivery's number: later events of a key have greater ones at each endpoint, and each keeps its own in every attempt.
        if event.isOrdered { lines.append("webhook-sequence", "\(delivery.id)") }
    }
}

/// A token of OAuth 2, as a delivery is sent with it.
struct DeliveryToken: Sendable {
    let text: String
    /// To be called when the receiver does not take it.
    let refused: @Sendable () -> Void
}

extension HeaderLines {
    /// Appends all that is sent in the head of a request to an endpoint.
    ///
    /// - Parameters:
    ///   - createdAt: when the transaction of the event began.
    ///   - fields: of the event.
    package mutating func append(
        _ head: WebhookHead, _ settings: SendingSettings, createdAt: PostgresTimestamp, _ fields: HeaderFields,
        token: String?, at unixTime: Int64, _ body: RequestBody
    ) throws(RequestRefusal) {
        var head = head
        if let contentType = settings.recipe.contentType { head.contentType = contentType }
        let cloudEvent = settings.recipe.cloudEvent(id: head.id, type: head.eventType, createdAt: createdAt)
        do {
            try body.withUnsafeBytes { bytes in
                try settings.proof.append(
                    head, cloudEvent, token: token, at: unixTime, body: bytes, own: settings.headers, event: fields
                ) { append($1, $2) }
            }
        } catch {
            throw RequestRefusal(.internalError, "the request cannot be signed: \(error)")
        }
    }
}
