/// A request header that an endpoint or an event adds to the ones Postrider sends.
///
/// The value can be a secret (`Authorization: Bearer …`), so nothing prints it: read ``value`` on purpose. Since neither
/// part can hold a line break, a field can never become two.
package struct HeaderField: Hashable, Sendable {
    /// The name as it was written; see ``canonicalName``.
    package let name: String
    /// The value, without blanks at its ends.
    package let value: String

    package init(name: String, value: String) throws(HeaderFieldError) {
        try Self.check(name: Array(name.utf8))
        let bytes = Array(value.utf8)
        let trimmed = bytes[...].trimmingBlanks
        guard name.utf8.count + trimmed.count <= Limits.headerFieldBytes else {
            throw HeaderFieldError(
                .tooLong, "the header \(Excerpt(name)) is longer than the \(Limits.headerFieldBytes) bytes allowed")
        }
        guard trimmed.allSatisfy({ $0.isBlank || (0x21...0x7e).contains($0) }) else {
            throw HeaderFieldError(
                .value, "the value of the header \(name) holds more than visible ASCII characters, spaces and tabs")
        }
        guard !trimmed.isEmpty else { throw HeaderFieldError(.value, "the header \(name) has no value") }
        self.name = name
        self.value = String(decoding: trimmed, as: UTF8.self)
    }

    /// Reads `Name: value`, the form of the command line.
    package init(_ text: String) throws(HeaderFieldError) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            throw HeaderFieldError(.missingColon, "a header is written like 'Name: value'; there is no colon")
        }
        try self.init(name: String(text[..<colon]), value: String(text[text.utf8.index(after: colon)...]))
    }

    /// The name in lower case: what two fields are compared by (RFC 9110 section 5.1).
    package var canonicalName: String { name.utf8.lowercasedText }

    /// `Name: value` as it stands on the wire, without line break. Holds the value: never log it.
    package var line: String { "\(name): \(value)" }

    /// The length on the wire, the line break included.
    var wireBytes: Int { name.utf8.count + 2 + value.utf8.count + 2 }

    private static func check(name: [UInt8]) throws(HeaderFieldError) {
        guard name.count <= Limits.headerNameBytes else {
            throw HeaderFieldError(
                .tooLong, "the name of a header is longer than the \(Limits.headerNameBytes) bytes allowed")
        }
        guard !name.isEmpty, name.allSatisfy(\.isTokenCharacter) else {
            throw HeaderFieldError(
                .name, "\(Excerpt(name)) is not the name of a header: letters, digits and hyphens, no space")
        }
        if let reason = ReservedHeader.reason(String(decoding: name, as: UTF8.self)) {
            throw HeaderFieldError(.reserved, "the header \(Excerpt(name)) cannot be configured: \(reason)")
        }
    }
}

extension HeaderField: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "\(name): (hidden)" }

    package var debugDescription: String { description }

    /// The name alone, so that `dump` does not show the value.
    package var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}

/// Which rule for configured header fields a text breaks. The message quotes the name, never the value: values can be
/// secrets.
package struct HeaderFieldError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, CaseIterable, Sendable {
        /// There is no colon between name and value.
        case missingColon = "missing_colon"
        /// The name is not a token of RFC 9110.
        case name
        /// The name belongs to Postrider or to the connection.
        case reserved
        /// The value is empty or holds more than visible ASCII, spaces and tabs.
        case value
        /// The name is longer than ``Limits/headerNameBytes``, or name and value than ``Limits/headerFieldBytes``.
        case tooLong = "too_long"
        /// More than ``Limits/headerFields`` fields.
        case tooMany = "too_many"
        /// All fields together are longer than ``Limits/headerBytes``.
        case tooLarge = "too_large"
        /// The same name twice.
        case repeated
    }

    package let code: Code
    /// One line for a person.
    package let message: String

    package var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
