/// How an attempt ended for its delivery: the label `outcome` of `postrider_deliveries_total`.
package enum DeliveryOutcome: String, CaseIterable, Sendable {
    /// The endpoint took it.
    case delivered
    /// It is tried again later.
    case retry
    /// It became a dead letter.
    case dead
    /// The endpoint said that it is gone for good; the delivery is held.
    case gone
    /// The event expires before it could be tried again.
    case expired
    /// The lease had been lost: another attempt owns the delivery, and this outcome changed nothing.
    case stale
    /// The worker gave the delivery back without sending it, as when it drains.
    case released
}
