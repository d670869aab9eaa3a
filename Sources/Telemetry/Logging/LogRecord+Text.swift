import Logging

extension LogRecord {
    /// The entry for people: `time level message key=value`, in one line without colours, whatever the data holds.
    var text: String {
        var line = "\(timestamp) \(Self.padded(level)) \(PrintableText(message, limit: Self.valueLimit))"
        for (key, value) in data.prefix(Self.dataLimit) {
            line += " \(PrintableText(key, limit: Self.valueLimit))=\(Self.quoted(Self.plain(value, depth: 0)))"
        }
        return line
    }

    private static func padded(_ level: Logger.Level) -> String {
        let name = level.rawValue
        return name + String(repeating: " ", count: max(0, "critical".count - name.count))
    }

    private static func plain(_ value: Logger.MetadataValue, depth: Int) -> String {
        switch value {
        case .string(let text): return text
        case .stringConvertible(let value): return value.description
        case _ where depth >= depthLimit: return "…"
        case .array(let values):
            return "[" + values.prefix(dataLimit).map { plain($0, depth: depth + 1) }.joined(separator: ",") + "]"
        case .dictionary(let values):
            let entries = values.sorted { $0.key < $1.key }.prefix(dataLimit)
            return "{" + entries.map { "\($0.key):\(plain($0.value, depth: depth + 1))" }.joined(separator: ",") + "}"
        }
    }

    /// Puts a value in quotes when it could be taken for more than one, or for none. Within quotes, backslashes of the
    /// value are doubled, so that none of them can end the quotes early and let the rest pass for further data.
    private static func quoted(_ text: String) -> String {
        guard text.isEmpty || text.unicodeScalars.prefix(valueLimit).contains(where: needsQuotes) else {
            return PrintableText(text, limit: valueLimit).description
        }
        var doubled = ""
        for scalar in text.unicodeScalars.prefix(valueLimit + 1) {
            doubled += scalar == "\\" || scalar == "\"" ? "\\" : ""
            doubled.unicodeScalars.append(scalar)
        }
        return "\"\(PrintableText(doubled, limit: 2 * valueLimit))\""
    }

    private static func needsQuotes(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\"", "\\", "=": true
        default: scalar.properties.isWhitespace || PrintableText.mustEscape(scalar)
        }
    }
}
