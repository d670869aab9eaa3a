import Formats
import FoundationEssentials
import Logging

/// One log entry before it is written: everything a line shows, still unescaped.
struct LogRecord {
    var time: Date
    var level: Logger.Level
    var message: String
    /// The data, sorted by key.
    var data: [(key: String, value: Logger.MetadataValue)]

    /// The most scalars of a message or a value that are shown; longer ones are cut.
    static let valueLimit = 2048
    /// The most entries of data that are shown.
    static let dataLimit = 64
    /// How deep data within data is shown.
    static let depthLimit = 4

    /// The time in UTC with milliseconds, as RFC 3339 has it.
    var timestamp: String {
        time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}

extension LogRecord {
    /// The entry for people: `time level message key=value`, always one line, without colours.
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

extension LogRecord {
    /// The entry for machines: one JSON object, `time`, `level` and `message` first, then the data by key.
    var json: String {
        var line = #"{"time":"\#(timestamp)","level":"\#(level.rawValue)","message":"#
        Self.appendString(message, limit: Self.valueLimit, to: &line)
        for (key, value) in data.prefix(Self.dataLimit) {
            line += ","
            Self.appendString(Self.reserved.contains(key) ? "data." + key : key, limit: Self.valueLimit, to: &line)
            line += ":"
            Self.append(value, depth: 0, to: &line)
        }
        return line + "}"
    }

    /// The names that the data must not use a second time: readers differ in which of two they take.
    private static let reserved: Set<String> = ["time", "level", "message"]

    private static func append(_ value: Logger.MetadataValue, depth: Int, to line: inout String) {
        switch value {
        case .string(let text): appendString(text, limit: valueLimit, to: &line)
        case .stringConvertible(let value): append(value.description, of: value, to: &line)
        case _ where depth >= depthLimit: line += #""…""#
        case .array(let values):
            line += "["
            for (index, value) in values.prefix(dataLimit).enumerated() {
                line += index == 0 ? "" : ","
                append(value, depth: depth + 1, to: &line)
            }
            line += "]"
        case .dictionary(let values):
            line += "{"
            for (index, entry) in values.sorted(by: { $0.key < $1.key }).prefix(dataLimit).enumerated() {
                line += index == 0 ? "" : ","
                appendString(entry.key, limit: valueLimit, to: &line)
                line += ":"
                append(entry.value, depth: depth + 1, to: &line)
            }
            line += "}"
        }
    }

    /// Numbers and truth values stay what they are; everything else is text.
    private static func append(_ text: String, of value: any CustomStringConvertible, to line: inout String) {
        switch value {
        case is any FixedWidthInteger, is Bool: line += text
        default: appendString(text, limit: valueLimit, to: &line)
        }
    }

    /// Also safe on a terminal: what ``PrintableText`` escapes is escaped here, so that no byte of unknown origin reaches the
    /// screen as a control character.
    private static func appendString(_ text: String, limit: Int, to line: inout String) {
        line += "\""
        var kept = 0
        for scalar in text.unicodeScalars {
            guard kept < limit else {
                line += "…"
                break
            }
            kept += 1
            switch scalar {
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            default: JSONString.append(scalar, mustEscape: PrintableText.mustEscape(scalar), to: &line)
            }
        }
        line += "\""
    }
}
