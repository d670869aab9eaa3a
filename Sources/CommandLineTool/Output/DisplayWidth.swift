import Telemetry

/// How many columns of a terminal text takes.
///
/// Approximates UAX #11 by grapheme clusters: wide and fullwidth East Asian characters and emoji take two columns, combining
/// and invisible characters none, everything else one. Terminals differ on rare emoji sequences; no method fits all of them.
enum DisplayWidth {
    static func of(_ text: some StringProtocol) -> Int {
        text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
            ? text.utf8.count : text.reduce(0) { $0 + of($1) }
    }

    static func of(_ character: Character) -> Int {
        let scalars = character.unicodeScalars
        if scalars.contains(where: { isWide($0) || $0 == emojiVariation }) {
            return 2
        }
        return scalars.contains { !isInvisible($0) } ? 1 : 0
    }

    /// The beginning of `text` that takes at most `columns`, with `…` at its end when something was left out.
    static func truncate(_ text: String, to columns: Int) -> String {
        guard of(text) > columns else { return text }
        guard columns > 0 else { return "" }
        var kept = ""
        var width = 0
        for character in text {
            width += of(character)
            guard width < columns else { break }
            kept.append(character)
        }
        return kept + "…"
    }

    private static let emojiVariation: Unicode.Scalar = "\u{fe0f}"

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: true
        default: false
        }
    }

    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
            0x1F900...0x1FAFF, 0x20000...0x3FFFD:
            true
        default: scalar.properties.isEmojiPresentation
        }
    }
}

/// Text of unknown origin in lines that fit: escaped, broken between words where there are any, and within one that is
/// too long for a line.
enum Folded {
    /// - Parameters:
    ///   - first: stands before the first line, `rest` before all others.
    static func lines(_ text: String, width: Int, first: String, rest: String) -> [String] {
        let room = max(20, width - max(DisplayWidth.of(first), DisplayWidth.of(rest)))
        var lines: [String] = []
        var line = ""
        var used = 0
        for word in PrintableText(text).description.split(separator: " ", omittingEmptySubsequences: false) {
            let length = DisplayWidth.of(String(word))
            if used > 0, used + 1 + length > room {
                lines.append(line)
                (line, used) = ("", 0)
            }
            if used > 0 || !line.isEmpty { (line, used) = (line + " ", used + 1) }
            for character in word {
                let columns = DisplayWidth.of(character)
                if used + columns > room {
                    lines.append(line)
                    (line, used) = ("", 0)
                }
                line.append(character)
                used += columns
            }
        }
        lines.append(line)
        return lines.enumerated().map { ($0.offset == 0 ? first : rest) + $0.element }
    }
}
