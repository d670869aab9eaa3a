import Formats

/// The headers of a request that are kept with it.
package struct ReceivedHeaders: Sendable {
    /// In the order in which they came; a name may stand there twice.
    package let fields: [(name: String, value: String)]

    package init(_ fields: [(name: String, value: String)] = []) {
        self.fields = fields
    }

    /// An object of names in lower case. The values of a name that came several times are joined by commas, as RFC 9110 section
    /// 5.3 has it.
    package var json: String {
        var values: [String: String] = [:]
        var names: [String] = []
        for field in fields {
            let name = field.name.lowercased()
            if let known = values[name] {
                values[name] = "\(known), \(field.value)"
            } else {
                names.append(name)
                values[name] = field.value
            }
        }
        let members = names.map { "\(Self.quoted($0)):\(Self.quoted(values[$0] ?? ""))" }
        return "{\(members.joined(separator: ","))}"
    }

    /// Without zero characters, which `jsonb` cannot hold.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            JSONString.append(scalar.value == 0 ? "\u{fffd}" : scalar, to: &quoted)
        }
        return quoted + "\""
    }
}
