/// What operators call an endpoint: unique within its tenant, used on the command line, in SQL, logs and metrics.
///
/// 1 to ``Limits/endpointNameScalars`` Unicode scalars, each of them visible or a plain space; no space at either end;
/// no hyphen in front, where a command line would take it for an option. Control characters, line breaks, other kinds
/// of spaces and invisible formatting (such as the marks that reverse the direction of text) are refused: two names that
/// look alike should be the same name.
package struct EndpointName: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) throws(InvalidText) {
        let scalars = text.unicodeScalars
        guard !scalars.isEmpty else { throw InvalidText(.endpointName, "the name of an endpoint is empty") }
        guard scalars.count <= Limits.endpointNameScalars else {
            throw InvalidText(
                .endpointName,
                "a name of \(scalars.count) characters is longer than the \(Limits.endpointNameScalars) allowed")
        }
        guard scalars.allSatisfy(Self.isVisible) else {
            throw InvalidText(.endpointName, "the name \(Excerpt(text)) holds an invisible character")
        }
        guard scalars.first != " ", scalars.last != " " else {
            throw InvalidText(.endpointName, "the name \(Excerpt(text)) begins or ends with a space")
        }
        guard scalars.first != "-" else {
            throw InvalidText(.endpointName, "the name \(Excerpt(text)) begins with a hyphen")
        }
        self.text = text
    }

    package var description: String { text }

    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        !invisible.contains { $0.contains(scalar.value) }
    }

    /// Control characters, line ends, spaces other than the plain one, format characters such as the marks that change the
    /// direction of text, private use, and everything from plane 14 up. A list and not Unicode's categories, which change from
    /// version to version: `postrider.invisible_characters()` has the same, and a test compares all of Unicode.
    static let invisible: [ClosedRange<UInt32>] = [
        0...0x1f, 0x7f...0xa0, 0xad...0xad, 0x600...0x605, 0x61c...0x61c, 0x6dd...0x6dd, 0x70f...0x70f, 0x890...0x891,
        0x8e2...0x8e2, 0x1680...0x1680, 0x180e...0x180e, 0x2000...0x200f, 0x2028...0x202f, 0x205f...0x206f,
        0x3000...0x3000, 0xe000...0xf8ff, 0xfeff...0xfeff, 0xfff0...0xfffb, 0xfffe...0xffff, 0x110bd...0x110bd,
        0x110cd...0x110cd, 0x13430...0x1343f, 0x1bca0...0x1bca3, 0x1d173...0x1d17a, 0xe0000...0x10ffff,
    ]
}
