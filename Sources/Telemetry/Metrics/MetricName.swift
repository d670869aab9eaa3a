/// The rules for names in the Prometheus data model, and how names of other libraries are made to fit them.
enum MetricName {
    /// `text` as a metric name: `[a-zA-Z_:][a-zA-Z0-9_:]*`, other characters become `_`.
    static func metric(_ text: String) -> String {
        fitted(text, allowingColon: true)
    }

    /// `text` as a label name: `[a-zA-Z_][a-zA-Z0-9_]*`. Names that start with `__` belong to Prometheus.
    static func label(_ text: String) -> String {
        let name = fitted(text, allowingColon: false)
        return name.hasPrefix("__") ? String(name.drop { $0 == "_" }) : name
    }

    /// `name` with `suffix` at its end, once.
    static func suffixed(_ name: String, _ suffix: String) -> String {
        name.hasSuffix(suffix) ? name : name + suffix
    }

    private static func fitted(_ text: String, allowingColon: Bool) -> String {
        var name = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
                name.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                name += name.isEmpty ? "_" : ""
                name.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: ":") where allowingColon:
                name += ":"
            default:
                name += "_"
            }
        }
        return name.isEmpty ? "_" : name
    }
}

/// The labels of one series, sorted by name, each name once.
struct LabelSet: Hashable, Sendable {
    /// The labels as they are written between the braces, escaped: `outcome="delivered",tenant="a"`. Empty without labels.
    let text: String

    init(_ dimensions: [(String, String)]) {
        var labels: [String: String] = [:]
        for (name, value) in dimensions {
            labels[MetricName.label(name)] = value
        }
        text = labels.sorted { $0.key < $1.key }.map {
            #"\#($0.key)="\#(PrometheusText.escaped($0.value, quotes: true))""#
        }
        .joined(separator: ",")
    }
}
