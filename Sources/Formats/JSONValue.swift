/// What a JSON text says (RFC 8259).
package indirect enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    /// In the order of the text; of a name that is there twice the last one counts.
    case object([JSONMember])

    /// The value under a name of an object.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.has(name) }?.value
    }
}

/// A name of a JSON object, and its value.
package struct JSONMember: Sendable {
    package var name: String
    package var value: JSONValue

    /// Compares characters as they are written: Swift takes some different ones for the same.
    package func has(_ name: String) -> Bool { self.name.utf8.elementsEqual(name.utf8) }
}

extension JSONValue: Equatable {
    /// Whether they say the same: the order of an object's names says nothing, nor does how a number is written.
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let one), .bool(let other)): one == other
        case (.number(let one), .number(let other)): one == other
        case (.string(let one), .string(let other)): one.utf8.elementsEqual(other.utf8)
        case (.array(let one), .array(let other)): one == other
        case (.object(let one), .object(let other)):
            one.allSatisfy { right[$0.name] == left[$0.name] } && other.allSatisfy { left[$0.name] != nil }
        default: false
        }
    }
}
