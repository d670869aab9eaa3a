/// Why a text is not a signing secret. It never repeats any part of the text.
public struct WebhookSecretError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules.
    public enum Code: String, CaseIterable, Sendable {
        /// The text does not begin with `whsec_`.
        case prefix
        /// What follows the prefix is not Base64.
        case base64
        /// Too few bytes to be safe, or more than anybody needs.
        case length
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
