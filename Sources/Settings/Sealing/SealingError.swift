/// Why a secret cannot be sealed or opened. It never repeats a key, a secret or sealed text.
package struct SealingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules.
    package enum Code: String, CaseIterable, Sendable {
        /// The key file holds no key.
        case noKey = "no_key"
        /// A line of the key file is not a key.
        case keyLine = "key_line"
        /// Two keys have the same id.
        case repeatedID = "repeated_id"
        /// The text is not in the sealed form.
        case notSealed = "not_sealed"
        /// The text was sealed with a key that is not in the key file.
        case unknownKey = "unknown_key"
        /// The text was changed, or it belongs to another endpoint, tenant or purpose.
        case notAuthentic = "not_authentic"
    }

    /// The rule.
    package let code: Code
    /// One line for a person.
    package let message: String

    /// The message.
    package var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
