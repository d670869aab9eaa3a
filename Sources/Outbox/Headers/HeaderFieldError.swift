/// Which rule for configured header fields a text breaks. The message quotes the name, never the value: values can be
/// secrets.
package struct HeaderFieldError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules.
    package enum Code: String, CaseIterable, Sendable {
        /// There is no colon between name and value.
        case missingColon = "missing_colon"
        /// The name is not a token of RFC 9110.
        case name
        /// The name belongs to Postrider or to the connection.
        case reserved
        /// The value is empty or holds more than visible ASCII, spaces and tabs.
        case value
        /// Name and value are longer than ``Limits/headerFieldBytes``.
        case tooLong = "too_long"
        /// More than ``Limits/headerFields`` fields.
        case tooMany = "too_many"
        /// All fields together are longer than ``Limits/headerBytes``.
        case tooLarge = "too_large"
        /// The same name twice.
        case repeated
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
