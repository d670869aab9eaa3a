/// A text with places for values of a payload: `Order {order_id} paid by {customer.name}`. `{{` and `}}` are braces.
package struct TextTemplate: Hashable, Sendable {
    package enum Piece: Hashable, Sendable {
        /// What the operator wrote, as it is.
        case text(String)
        /// Names, and places within arrays.
        case value(path: [String])
    }

    package let pieces: [Piece]

    /// The longest template, in bytes.
    package static let maximumBytes = 4_000

    /// - Throws: when a brace is alone, or what stands in braces is no path.
    package init(_ text: String) throws(InvalidText) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw InvalidText(.text, "the text is longer than the \(Self.maximumBytes) bytes allowed")
        }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x0A }) else {
            throw InvalidText(.text, "the text holds a control character")
        }
        var pieces: [Piece] = []
        var literal = ""
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "{" || scalar == "}" else {
                literal.unicodeScalars.append(scalar)
                continue
            }
            if rest.first == scalar {
                rest = rest.dropFirst()
                literal.unicodeScalars.append(scalar)
                continue
            }
            guard scalar == "{", let end = rest.firstIndex(of: "}"), let path = Self.path(String(rest[..<end])) else {
                throw InvalidText(
                    .text, "the text must have {path.to.value} for a value of the payload, and {{ or }} for a brace")
            }
            if !literal.isEmpty { pieces.append(.text(literal)) }
            literal = ""
            pieces.append(.value(path: path))
            rest = rest[rest.index(after: end)...]
        }
        if !literal.isEmpty { pieces.append(.text(literal)) }
        self.pieces = pieces
    }

    private static func path(_ text: String) -> [String]? {
        let steps = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let areNames = steps.allSatisfy { step in
            !step.isEmpty && step.utf8.allSatisfy { $0.isDigit || $0.isLetter || "_$-".utf8.contains($0) }
        }
        return areNames ? steps : nil
    }
}
