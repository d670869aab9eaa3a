import Telemetry

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
