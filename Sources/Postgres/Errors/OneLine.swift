/// Brings text of other programs into a line that can be shown and logged.
enum OneLine {
    /// The most characters of a message that are kept.
    static let maximumLength = 500

    /// The text on one line, control characters replaced, cut to ``maximumLength``.
    static func text(_ text: String) -> String {
        let isPlain = text.utf8.count <= maximumLength && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        guard !isPlain else { return text }
        let lines = text.split(whereSeparator: \.isNewline).map { line in
            String(line.drop(while: \.isWhitespace).map { isControl($0) ? " " : $0 })
        }
        let joined = lines.joined(separator: "; ")
        return joined.count <= maximumLength ? joined : joined.prefix(maximumLength - 1) + "…"
    }

    /// The text without what stands between its first and its last quotation mark.
    ///
    /// libpq and the server quote what they could not read, and that may be part of a password or of a payload.
    static func withoutQuotes(_ text: String) -> String {
        guard let first = text.firstIndex(of: "\""), let last = text.lastIndex(of: "\"") else { return text }
        guard first < last else { return String(text[..<first]) + "\"…" }
        return String(text[...first]) + "…" + String(text[last...])
    }

    private static func isControl(_ character: Character) -> Bool {
        character.unicodeScalars.allSatisfy { $0.value < 0x20 || $0.value == 0x7F }
    }
}
