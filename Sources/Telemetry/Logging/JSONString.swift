/// A JSON string literal (RFC 8259) that is also safe on a terminal: everything ``PrintableText`` would escape is written
/// as `\u…`, so that no byte of unknown origin reaches the screen as a control character.
enum JSONString {
    /// Appends `text` in quotes, at most `limit` scalars of it.
    static func append(_ text: String, limit: Int, to line: inout String) {
        line += "\""
        var kept = 0
        for scalar in text.unicodeScalars {
            guard kept < limit else {
                line += "…"
                break
            }
            kept += 1
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case _ where PrintableText.mustEscape(scalar):
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            default: line.unicodeScalars.append(scalar)
            }
        }
        line += "\""
    }
}
