/// The labels of one series, sorted by name, each name once.
struct LabelSet: Hashable, Sendable {
    /// The labels as they are written between the braces, escaped: `outcome="delivered",tenant="a"`. Empty without labels.
    let text: String

    init(_ dimensions: [(String, String)]) {
        var labels: [String: String] = [:]
        for (name, value) in dimensions {
            labels[MetricName.label(name)] = value
        }
        text = labels.sorted { $0.key < $1.key }.map { #"\#($0.key)="\#(Self.escaped($0.value))""# }
            .joined(separator: ",")
    }

    /// Escapes a label value as the text format asks: backslash, double quote and line feed.
    private static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 == 0x0A }) else { return value }
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
