/// A verdict with its reason.
public struct AttemptDecision: Hashable, Sendable {
    /// What becomes of the delivery.
    public let verdict: AttemptVerdict
    /// Why the attempt failed; nil exactly when the delivery is done.
    public let errorCode: ErrorCode?

    /// A decision.
    public init(verdict: AttemptVerdict, errorCode: ErrorCode?) {
        self.verdict = verdict
        self.errorCode = errorCode
    }
}
