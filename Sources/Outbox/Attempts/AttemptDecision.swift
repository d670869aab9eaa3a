/// A verdict with what else has to be known to record it.
public struct AttemptDecision: Hashable, Sendable {
    /// What becomes of the delivery.
    public let verdict: AttemptVerdict
    /// Why the attempt failed; nil exactly when the delivery is done.
    public let errorCode: ErrorCode?
    /// How long the whole endpoint asks to be left alone: set when it answered 429, 502, 503 or 504 and named a wait in
    /// `Retry-After`.
    public let pause: Duration?

    /// A decision.
    public init(verdict: AttemptVerdict, errorCode: ErrorCode?, pause: Duration? = nil) {
        self.verdict = verdict
        self.errorCode = errorCode
        self.pause = pause
    }
}
