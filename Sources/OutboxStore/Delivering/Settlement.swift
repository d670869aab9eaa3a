package import Outbox

/// How one claimed delivery ended, ready to be recorded.
package struct Settlement: Sendable {
    package typealias Outcome = DeliveryDecision.Outcome

    /// The delivery with its fencing token.
    package var delivery: ClaimedDelivery
    package var outcome: Outcome
    /// What the attempt says about its endpoint.
    package var signal = EndpointSignal.none
    /// When the attempt began; nil when there was none. Not by the wall clock, which may be set while the outcome waits.
    package var startedAt: ContinuousClock.Instant?
    /// How long it took, in microseconds.
    package var duration: Int32 = 0
    /// The URL it went to, by its id in `postrider.endpoint_urls`.
    package var url: Int32 = 0
    /// The status of the answer, if there was one that HTTP knows.
    package var httpStatus: Int16?
    package var errorCode: ErrorCode?
    /// Why it failed, for a person.
    package var error: String?
    /// The beginning of the answer's body.
    package var responseBody: String?
    /// The answer's `Retry-After`, of one that failed.
    package var retryAfter: String?
    /// The answer's `Location`, of one that failed.
    package var location: String?
    /// Milliseconds that it might have taken, of one that failed.
    package var allowed: Int32?
    /// The address that was connected to.
    package var remoteAddress: String?
    /// Microseconds until the name was known.
    package var nameLookup: Int32?
    /// Microseconds that connecting took.
    package var connect: Int32?
    /// Microseconds that the TLS handshake took.
    package var tls: Int32?
    /// Microseconds until the first byte of the answer.
    package var firstByte: Int32?

    /// A settlement without an attempt to record.
    package init(_ delivery: ClaimedDelivery, _ outcome: Outcome) {
        self.delivery = delivery
        self.outcome = outcome
    }
}

/// What `postrider.settle` takes an outcome as.
extension DeliveryDecision.Outcome {
    var number: Int16 {
        switch self {
        case .delivered: 0
        case .retry: 1
        case .dead: 2
        case .gone, .disabled: 3
        case .expired: 4
        case .released: 5
        case .spent: 6
        case .filtered: 7
        }
    }

    /// Whether an attempt is recorded.
    package var isAttempt: Bool {
        switch self {
        case .delivered, .retry, .dead, .gone, .disabled: true
        case .expired, .filtered, .released, .spent: false
        }
    }

    /// Until it is due again.
    var delay: Duration {
        switch self {
        case .retry(let wait): wait
        case .delivered, .dead, .gone, .disabled, .expired, .filtered, .released, .spent: .zero
        }
    }

    /// What is kept with a dead letter or with an expired or filtered delivery; or why the endpoint is disabled.
    var reason: String? {
        switch self {
        case .dead(let reason): reason.rawValue
        case .expired: "expires_at had passed"
        case .filtered(let why): why
        case .gone: "the endpoint answered 410 Gone"
        case .disabled: "the receiver answered webhook-delivery: disable"
        case .delivered, .retry, .released, .spent: nil
        }
    }
}
