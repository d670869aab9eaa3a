/// A verdict with its reason.
package struct AttemptDecision: Hashable, Sendable {
    /// What becomes of the delivery.
    package let verdict: AttemptVerdict
    /// Why the attempt failed; nil exactly when the delivery is done.
    package let errorCode: ErrorCode?

    /// A decision.
    package init(verdict: AttemptVerdict, errorCode: ErrorCode?) {
        self.verdict = verdict
        self.errorCode = errorCode
    }
}
