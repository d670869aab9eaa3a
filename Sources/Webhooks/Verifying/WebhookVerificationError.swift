/// Why a request is not what it says it is. Answer such a request with 400 or 401 and do nothing else.
public struct WebhookVerificationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules.
    public enum Code: String, CaseIterable, Sendable {
        /// A required header is not there.
        case missingHeader = "missing_header"
        /// A header occurs twice, so that two readers could pick different ones.
        case repeatedHeader = "repeated_header"
        /// The id is empty or holds a dot.
        case invalidID = "invalid_id"
        /// The timestamp is not a number of seconds.
        case invalidTimestamp = "invalid_timestamp"
        /// The timestamp is older than the tolerance: perhaps an old request, recorded and sent again.
        case tooOld = "too_old"
        /// The timestamp is further in the future than the tolerance.
        case tooNew = "too_new"
        /// More signatures than a sender has any use for.
        case tooManySignatures = "too_many_signatures"
        /// No signature of version `v1` fits.
        case noMatchingSignature = "no_matching_signature"
    }

    /// The rule.
    public let code: Code
    /// One line for a person.
    public let message: String

    /// The message.
    public var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
