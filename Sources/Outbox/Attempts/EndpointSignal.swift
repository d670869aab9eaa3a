/// What an attempt says about the endpoint, beside what becomes of the delivery.
package struct EndpointSignal: Hashable, Sendable {
    /// It speaks against the endpoint: no answer, 429, or 5xx. ``Breaker`` counts these.
    package var isStrike = false
    /// It means "later": 429, 502, 503, 504, or too late. While the breaker holds the endpoint, such an attempt does not count.
    package var isLater = false
    /// The receiver wants nothing more: the endpoint is disabled.
    package var disables = false
    /// How long nothing is sent to the endpoint, as `Retry-After` asks.
    package var pause = Duration.zero

    package static let none = EndpointSignal()

    private static let later: Set<Int> = [429, 502, 503, 504]

    package init() {}

    /// - Parameter now: the current time in seconds since 1970.
    package init(after observation: DeliveryObservation, now: Int64) {
        switch observation {
        case .answered(let status, let retryAfter, let directive):
            isStrike = status == 429 || (500...599).contains(status) || AnswerKind(status: status) == .malformed
            isLater = Self.later.contains(status)
            disables = directive == .disable
            if !retryAfter.isEmpty { pause = RetryAfter.wait(retryAfter, now: now) ?? .zero }
        case .failed(let code, _):
            isStrike = code.isEndpointsFault
            isLater = code == .timeout || code == .connectTimeout
        case .interrupted, .notSent, .unsendable, .heldBack, .eventMissing, .noneLeft, .numbersUsedUp, .expired,
            .filtered, .cancelled:
            break
        }
    }
}

extension ErrorCode {
    /// Whether a failure with it speaks against the endpoint: it gave no answer that HTTP knows; or its own filter or transform fails,
    /// and each try may cost the database a second.
    package var isEndpointsFault: Bool {
        switch self {
        case .timeout, .connectTimeout, .connectionRefused, .connectionReset, .networkUnreachable, .dnsFailure,
            .tlsFailure, .protocolError, .responseTooLarge, .filterError, .transformError:
            true
        case .blockedAddress, .invalidURL, .invalidHeaders, .invalidEndpoint, .invalidEvent, .redirect, .httpStatus,
            .lostLease, .eventMissing, .secretUnavailable, .tokenFailure, .proxyError, .internalError:
            false
        }
    }
}
