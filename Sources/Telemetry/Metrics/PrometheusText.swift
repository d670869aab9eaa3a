/// The Prometheus text exposition format 0.0.4, being written.
/// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
struct PrometheusText {
    private(set) var text = ""

    /// Starts a metric family. Its samples must follow directly.
    mutating func family(_ name: String, kind: String, help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind)\n"
    }

    /// One sample line.
    /// - Parameter lessOrEqual: the bound of a histogram's bucket, written as the label `le`.
    mutating func sample(_ name: String, _ labels: LabelSet, _ value: String, lessOrEqual bound: String? = nil) {
        text += name
        let bucket = bound.map { #"le="\#($0)""# }
        if !labels.text.isEmpty || bucket != nil {
            text += "{"
            text += [labels.text, bucket ?? ""].filter { !$0.isEmpty }.joined(separator: ",")
            text += "}"
        }
        text += " \(value)\n"
    }

    /// A number as the format spells it: Go's `ParseFloat`, with `+Inf`, `-Inf` and `NaN`.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) {
            return "\(whole)"
        }
        return "\(value)"
    }

    /// The text format escapes backslashes and line feeds, and quotation marks in the values of labels.
    static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
