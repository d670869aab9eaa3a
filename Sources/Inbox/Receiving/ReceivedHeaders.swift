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
        var places: [String: Int] = [:]
        var members: [(name: String, value: String)] = []
        for field in fields {
            let name = field.name.lowercased()
            if let place = places[name] {
                members[place].value += ", \(field.value)"
            } else {
                places[name] = members.count
                members.append((name, field.value))
            }
        }
        var json = "{"
        for (place, member) in members.enumerated() {
            if place > 0 { json += "," }
            Self.quote(member.name, into: &json)
            json += ":"
            Self.quote(member.value, into: &json)
        }
        return json + "}"
    }

    /// Without zero characters, which `jsonb` cannot hold.
    private static func quote(_ text: String, into json: inout String) {
        json += "\""
        // Nearly all of them are plain, and taken as a whole.
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            json += text
        } else {
            for scalar in text.unicodeScalars {
                JSONString.append(scalar.value == 0 ? "\u{fffd}" : scalar, to: &json)
            }
        }
        json += "\""
    }
}
