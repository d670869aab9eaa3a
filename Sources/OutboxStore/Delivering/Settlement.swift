/// How one claimed delivery ended, ready to be recorded.
package struct Settlement: Sendable {
    /// What is to become of the delivery.
    package enum Outcome: Int16, Sendable {
        /// A 2xx answer.
        case delivered = 0
        /// Due again after `delay`.
        case retry = 1
        /// A dead letter.
        case dead = 2
        /// 410: the endpoint is disabled and the delivery held.
        case gone = 3
        /// Past its expiry; nothing was sent.
        case expired = 4
        /// Nothing was sent: given back, its attempt uncounted.
        case released = 5
    }

    /// The delivery with its fencing token.
    package var delivery: ClaimedDelivery
    /// What is to become of it.
    package var outcome: Outcome
    /// Until it is due again; only for `retry`.
    package var delay: Duration = .zero
    /// Why it died or expired, out of a closed set.
    package var reason: String?
    /// When the attempt began, in microseconds since 1970 by this worker's clock.
    package var startedAt: Int64 = 0
    /// How long it took, in microseconds.
    package var duration: Int32 = 0
    /// The URL it went to, by its id in `postrider.endpoint_urls`.
    package var url: Int32 = 0
    /// The status of the answer, if there was one that HTTP knows.
    package var httpStatus: Int16?
    /// Why it failed: one word of the closed set.
    package var errorCode: String?
    /// Why it failed, for a person.
    package var error: String?
    /// The beginning of the answer's body.
    package var responseBody: String?
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
