/// What a request asks for, as its first line says it.
package struct RequestURI: Equatable, Sendable {
    /// As it is written: still percent-encoded.
    package let path: Substring
    /// What stands behind the first question mark.
    package let query: Substring

    /// - Parameter text: of one in absolute form (RFC 9112, section 3.2.2) only path and query count; what is of another form is its own path.
    package init(_ text: String) {
        let origin = Self.origin(of: text)
        // By bytes: with a combining mark behind it a question mark is another character.
        let mark = origin.utf8.firstIndex(of: UInt8(ascii: "?"))
        path = origin[..<(mark ?? origin.endIndex)]
        query = mark.map { origin[origin.utf8.index(after: $0)...] } ?? ""
    }

    private static func origin(of text: String) -> Substring {
        guard text.utf8.first != UInt8(ascii: "/") else { return text[...] }
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, parts[1].isEmpty, ["http:", "https:"].contains(Substring(parts[0]).lowercased()) else {
            return text[...]
        }
        return text[text.utf8.index(before: parts[3].startIndex)...]
    }
}
