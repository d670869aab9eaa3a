/// Why something cannot be signed.
public struct WebhookSigningError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules.
    public enum Code: String, CaseIterable, Sendable {
        /// There is no secret to sign with.
        case noSecret = "no_secret"
        /// The id is empty, or it holds a dot or another character that would blur where it ends.
        case id
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
