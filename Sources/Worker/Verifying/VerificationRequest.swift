import Courier
import Outbox
import Postgres
import Webhooks

/// Asks a receiver whether it wants what is sent to it: signed, and by all the rules of a delivery.
final class VerificationRequest: SideRequest {
    /// How long the exchange may take, whatever the endpoint allows. Longer, and mute receivers keep others waiting.
    static let timeout = Duration.seconds(10)
    /// How long it may wait before it is sent.
    private static let patience = Duration.seconds(10)
    private static let eventType = "postrider.verification"

    let route: CourierRoute
    let body: RequestBody
    let mustStartBefore: ContinuousClock.Instant
    let passesOthers = true
    let end: @Sendable (CourierResult) -> [CourierResult]

    private let settings: SendingSettings
    private let verification: Verification
    private let id: String
    private let token: String?
    private let requestsAMinute: Int?

    /// - Parameters:
    ///   - challenge: a random text of letters and digits.
    ///   - token: of OAuth 2, where the endpoint wants one.
    ///   - requestsAMinute: how many are sent at most; nil for no limit.
    ///   - wallClock: microseconds since 1970.
    init(
        _ verification: Verification, to settings: SendingSettings, challenge: String, token: String?,
        requestsAMinute: Int?, now: ContinuousClock.Instant, wallClock: Int64,
        end: @escaping @Sendable (CourierResult) -> [CourierResult]
    ) {
        let isHandshake = verification == .cloudevents
        let own = settings.route
        // The lane is closed, and what is sent when it opens is of another revision: no delivery goes along this route.
        route = CourierRoute(
            id: own.id, revision: own.revision, url: own.url, host: own.host, port: own.port,
            timeout: min(own.timeout, Self.timeout), connectTimeout: own.connectTimeout, fixedHeaders: own.fixedHeaders,
            method: isHandshake ? .options : own.method, credentials: own.credentials)
        // In an envelope whatever the endpoint's format: it is a question to the program behind it, and no event.
        body = RequestBody(
            isHandshake
                ? []
                : Envelope.body(
                    type: Self.eventType, time: EventTime(microseconds: wallClock),
                    payload: Array(#"{"challenge":"\#(challenge)"}"#.utf8)))
        mustStartBefore = now + Self.patience
        id = "evt_verify_\(challenge)"
        self.settings = settings
        self.verification = verification
        self.token = token
        self.requestsAMinute = requestsAMinute
        self.end = end
    }

    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) throws(RequestRefusal) {
        let isHandshake = verification == .cloudevents
        let head = WebhookHead(contentType: "application/json", id: id, eventType: Self.eventType, attempt: 1)
        do {
            try body.withUnsafeBytes { bytes in
                try settings.proof.append(
                    head, nil, token: token, at: unixTime, body: bytes, own: settings.headers, event: .none
                ) { _, name, value in
                    // There is no content.
                    if !isHandshake || name != "content-type" { lines.append(name, value) }
                }
            }
        } catch {
            throw RequestRefusal(.internalError, "the request cannot be signed: \(error)")
        }
        if isHandshake, let requestsAMinute { lines.append("webhook-request-rate", "\(requestsAMinute)") }
    }
}
