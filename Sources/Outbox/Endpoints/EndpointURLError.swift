/// Which rule for endpoint URLs a text breaks.
///
/// The message quotes the host, the digits of the port or the scheme where that helps, never what can hold a secret:
/// user name, password, path, query.
package struct EndpointURLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules.
    package enum Code: String, CaseIterable, Sendable {
        /// Nothing was given.
        case empty
        /// More bytes than ``Limits/urlBytes``.
        case tooLong = "too_long"
        /// A space, control character or another character that RFC 3986 does not allow there.
        case forbiddenCharacter = "forbidden_character"
        /// A character beyond ASCII.
        case notASCII = "not_ascii"
        /// A backslash, which some readers take for a slash.
        case backslash
        /// Neither `http://` nor `https://`.
        case scheme
        /// A user name or password before the host.
        case userinfo
        /// A `#fragment`.
        case fragment
        /// No host.
        case missingHost = "missing_host"
        /// A host that is neither a name nor an address.
        case host
        /// A host of numbers that is not a plain dotted quad.
        case numericHost = "numeric_host"
        /// What stands in brackets is no IPv6 address.
        case ipv6
        /// An IPv6 address with a zone.
        case zone
        /// A port that is not a number from 1 to 65535.
        case port
        /// A `%` that no two hexadecimal digits follow.
        case percentEncoding = "percent_encoding"
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
