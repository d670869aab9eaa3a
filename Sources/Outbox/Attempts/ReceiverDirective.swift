/// What the `webhook-delivery` header of an answer asks of the sender.
package enum ReceiverDirective: String, CaseIterable, Sendable {
    /// Send nothing to this endpoint any more.
    case disable
    /// Do not try this delivery again.
    case abortMessage = "abort-message"

    /// The one that counts of two answers' worth: the more far-reaching.
    package static func stronger(_ one: Self?, _ other: Self?) -> Self? {
        one == .disable || other == .disable ? .disable : one ?? other
    }
}
