/// What `If-Match` demands (RFC 9110 section 13.1.1). It may be left out: then the last change wins.
package struct Precondition: Hashable, Sendable {
    private static let mostTags = 16

    /// The entity tags that fit, with their quotes; `*` alone for any; nil where nothing is demanded.
    package let tags: [String]?

    /// - Parameter fields: the values of the header.
    package init(ifMatch fields: [String]) throws(APIProblem) {
        guard !fields.isEmpty else {
            tags = nil
            return
        }
        let parts = fields.flatMap { $0.split(separator: ",") }.map { part in
            String(part.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
        }
        guard (1...Self.mostTags).contains(parts.count), parts == ["*"] || parts.allSatisfy(Self.isTag) else {
            throw APIProblem(.invalidRequest, "If-Match must be an entity tag in quotes, or *", field: "If-Match")
        }
        // A weak one never fits, as If-Match compares strongly.
        tags = parts.map { $0.hasPrefix("W/") ? "" : $0 }
    }

    private static func isTag(_ text: String) -> Bool {
        let tag = text.hasPrefix("W/") ? text.dropFirst(2) : text[...]
        return tag.utf8.count >= 2 && tag.utf8.count <= 100 && tag.hasPrefix("\"") && tag.hasSuffix("\"")
            && tag.utf8.dropFirst().dropLast().allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "\"") }
    }
}
