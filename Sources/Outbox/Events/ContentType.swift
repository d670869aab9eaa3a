/// The media type of an event's body (RFC 9110 section 8.3.1): `type/subtype`, then perhaps `; name=value`.
///
/// At most ``Limits/contentTypeBytes`` bytes of visible ASCII and spaces, so that nothing can break out of its header.
package struct ContentType: Hashable, Sendable, CustomStringConvertible {
    /// The media type with its parameters, as written.
    package let text: String

    package init(_ text: String) throws(InvalidText) {
        let bytes = Array(text.utf8)
        let end = bytes.firstIndex(of: UInt8(ascii: ";")) ?? bytes.endIndex
        var media = bytes[..<end]
        while media.last == UInt8(ascii: " ") { media.removeLast() }
        let parts = media.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard bytes.count <= Limits.contentTypeBytes, parts.count == 2,
            parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isTokenCharacter) }),
            bytes[end...].allSatisfy({ (0x20...0x7e).contains($0) })
        else {
            throw InvalidText(
                .contentType,
                "\(Excerpt(text)) is not a content type; write it like application/xml or text/plain; charset=utf-8")
        }
        self.text = text
    }

    package var description: String { text }
}
