/// How one claimed delivery ended, ready to be recorded.
public struct Settlement: Sendable {
    /// What is to become of the delivery.
    public enum Outcome: Int16, Sendable {
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
    public var delivery: ClaimedDelivery
    /// What is to become of it.
    public var outcome: Outcome
    /// Until it is due again; only for `retry`.
    public var delay: Duration = .zero
    /// Why it died or expired, out of a closed set.
    public var reason: String?
    /// When the attempt began, in microseconds since 1970 by this worker's clock.
    public var startedAt: Int64 = 0
    /// How long it took, in microseconds.
    public var duration: Int32 = 0
    /// The URL it went to, by its id in `postrider.endpoint_urls`.
    public var url: Int32 = 0
    /// The status of the answer, if there was one that HTTP knows.
    public var httpStatus: Int16?
    /// Why it failed: one word of the closed set.
    public var errorCode: String?
    /// Why it failed, for a person.
    public var error: String?
    /// The beginning of the answer's body.
    public var responseBody: String?
    /// The address that was connected to.
    public var remoteAddress: String?
    /// Microseconds until the name was known.
    public var nameLookup: Int32?
    /// Microseconds that connecting took.
    public var connect: Int32?
    /// Microseconds that the TLS handshake took.
    public var tls: Int32?
    /// Microseconds until the first byte of the answer.
    public var firstByte: Int32?

    /// A settlement without an attempt to record.
    public init(_ delivery: ClaimedDelivery, _ outcome: Outcome) {
        self.delivery = delivery
        self.outcome = outcome
    }
}
