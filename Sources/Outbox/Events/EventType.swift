/// What kind of thing happened: segments of ASCII letters, digits and underscores joined by dots, such as `order.paid`.
///
/// At most ``Limits/eventTypeCharacters`` characters. The grammar is that of Standard Webhooks 1.0.0; case matters.
package struct EventType: Hashable, Sendable, CustomStringConvertible {
    /// The type.
    package let text: String

    /// Reads a type.
    package init(_ text: String) throws(InvalidText) {
        guard Self.isValid(text.utf8) else {
            throw InvalidText(
                .eventType,
                "\(Excerpt(text)) is not an event type: letters, digits and _ in segments joined by dots, "
                    + "\(Limits.eventTypeCharacters) characters at most")
        }
        self.text = text
    }

    /// The type.
    package var description: String { text }

    static func isValid(_ text: some Collection<UInt8>) -> Bool {
        guard text.count <= Limits.eventTypeCharacters else { return false }
        return text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { segment in
            !segment.isEmpty && segment.allSatisfy { $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "_") }
        }
    }
}
