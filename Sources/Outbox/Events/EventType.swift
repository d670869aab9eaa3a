/// What kind of thing happened: segments of ASCII letters, digits and underscores joined by dots, such as `order.paid`.
///
/// At most ``Limits/eventTypeCharacters`` characters. The grammar is that of Standard Webhooks 1.0.0; case matters.
package struct EventType: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) throws(InvalidText) {
        guard Self.isValid(text.utf8) else {
            throw InvalidText(
                .eventType,
                "\(Excerpt(text)) is not an event type: letters, digits and _ in segments joined by dots, "
                    + "\(Limits.eventTypeCharacters) characters at most")
        }
        self.text = text
    }

    package var description: String { text }

    static func isValid(_ text: some Collection<UInt8>) -> Bool {
        guard text.count <= Limits.eventTypeCharacters else { return false }
        return text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { segment in
            !segment.isEmpty && segment.allSatisfy { $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "_") }
        }
    }
}

/// What a subscription matches event types with.
package enum EventTypePattern: Hashable, Sendable, CustomStringConvertible {
    /// `*`: every type.
    case all
    /// `order.*`: every type below `order`, at any depth, but not `order` itself.
    case below(EventType)
    /// `order.paid`: this type alone.
    case exactly(EventType)

    /// A star stands alone or as the last segment.
    package init(_ text: String) throws(InvalidText) {
        guard text.utf8.count <= Limits.eventTypeCharacters else {
            throw InvalidText(
                .eventTypePattern, "the pattern has more than \(Limits.eventTypeCharacters) characters")
        }
        do throws(InvalidText) {
            if text == "*" {
                self = .all
            } else if text.utf8.suffix(2).elementsEqual(".*".utf8) {
                self = .below(try EventType(String(text.dropLast(2))))
            } else {
                self = .exactly(try EventType(text))
            }
        } catch {
            throw InvalidText(
                .eventTypePattern,
                "\(Excerpt(text)) is not a pattern; write an event type like order.paid, order.* or *")
        }
    }

    package func matches(_ type: EventType) -> Bool {
        switch self {
        case .all: true
        case .below(let parent): type.text.utf8.starts(with: "\(parent).".utf8)
        case .exactly(let wanted): type == wanted
        }
    }

    package var description: String {
        switch self {
        case .all: "*"
        case .below(let parent): "\(parent).*"
        case .exactly(let type): type.text
        }
    }
}
