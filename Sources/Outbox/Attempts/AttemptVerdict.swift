/// What becomes of a delivery after an attempt. All waits count from now.
package enum AttemptVerdict: Hashable, Sendable {
    /// The endpoint took the event: done.
    case delivered
    /// Try again after this wait.
    case retry(after: Duration)
    /// Give up; the delivery becomes a dead letter.
    case dead(DeadReason)
    /// The event expires before the next attempt would be due: the delivery ends as expired after this wait.
    case expires(after: Duration)
    /// The endpoint answered 410 Gone: disable it and hold this delivery, which is due after this wait once an
    /// operator has resumed the endpoint.
    case endpointGone(after: Duration)
}
