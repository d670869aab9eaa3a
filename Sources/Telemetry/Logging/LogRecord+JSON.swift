import Logging

extension LogRecord {
    /// The entry for machines: one JSON object, `time`, `level` and `message` first, then the data by key.
    var json: String {
        var line = #"{"time":"\#(timestamp)","level":"\#(level.rawValue)","message":"#
        JSONString.append(message, limit: Self.valueLimit, to: &line)
        for (key, value) in data.prefix(Self.dataLimit) {
            line += ","
            JSONString.append(Self.reserved.contains(key) ? "data." + key : key, limit: Self.valueLimit, to: &line)
            line += ":"
            Self.append(value, depth: 0, to: &line)
        }
        return line + "}"
    }

    /// The names that the data must not use a second time: readers differ in which of two they take.
    private static let reserved: Set<String> = ["time", "level", "message"]

    private static func append(_ value: Logger.MetadataValue, depth: Int, to line: inout String) {
        switch value {
        case .string(let text): JSONString.append(text, limit: valueLimit, to: &line)
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
                JSONString.append(entry.key, limit: valueLimit, to: &line)
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
        default: JSONString.append(text, limit: valueLimit, to: &line)
        }
    }
}
