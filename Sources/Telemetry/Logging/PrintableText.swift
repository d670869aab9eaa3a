/// Text of unknown origin, made safe to print on one line of a terminal, a log or a table.
///
/// Control characters (C0, DEL, C1: among them newline, carriage return and the escape that starts ANSI sequences), line
/// and paragraph separators, and the invisible characters that change the direction of text are written as `\n`, `\r`,
/// `\t` or `\u{…}`. Anything else stays as it is, so that names in any script remain readable.
package struct PrintableText: CustomStringConvertible, Sendable {
    /// The text, escaped and cut.
    package let description: String

    /// Escapes `raw` and keeps at most `limit` scalars of the input; what was cut is shown as `…`.
    package init(_ raw: String, limit: Int = .max) {
        guard raw.utf8.count > limit || raw.unicodeScalars.contains(where: Self.mustEscape) else {
            description = raw
            return
        }
        var text = ""
        var kept = 0
        for scalar in raw.unicodeScalars {
            guard kept < limit else {
                text += "…"
                break
            }
            kept += 1
            Self.append(scalar, to: &text)
        }
        description = text
    }

    /// Whether `scalar` could break a line, move the cursor, or reorder what is shown.
    static func mustEscape(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F: true
        case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFF9...0xFFFB: true
        case 0xE0000...0xE007F: true
        default: false
        }
    }

    private static func append(_ scalar: Unicode.Scalar, to text: inout String) {
        switch scalar {
        case "\n": text += "\\n"
        case "\r": text += "\\r"
        case "\t": text += "\\t"
        case _ where mustEscape(scalar): text += "\\u{\(String(scalar.value, radix: 16))}"
        default: text.unicodeScalars.append(scalar)
        }
    }
}
