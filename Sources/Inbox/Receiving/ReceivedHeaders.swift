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
        var members: [(name: String, value: String)] = []
        members.reserveCapacity(fields.count)
        for field in fields {
            let name = field.name.inLowerCase
            // A request has a handful of headers: to compare them costs less than a table of them.
            if let place = members.firstIndex(where: { $0.name == name }) {
                members[place].value += ", \(field.value)"
            } else {
                members.append((name, field.value))
            }
        }
        var json: [UInt8] = []
        json.reserveCapacity(members.reduce(2) { $0 + $1.name.utf8.count + $1.value.utf8.count + 6 })
        json.append(UInt8(ascii: "{"))
        for (place, member) in members.enumerated() {
            if place > 0 { json.append(UInt8(ascii: ",")) }
            Self.quote(member.name, into: &json)
            json.append(UInt8(ascii: ":"))
            Self.quote(member.value, into: &json)
        }
        json.append(UInt8(ascii: "}"))
        return String(decoding: json, as: UTF8.self)
    }

    /// Without zero characters, which `jsonb` cannot hold.
    private static func quote(_ text: String, into json: inout [UInt8]) {
        json.append(UInt8(ascii: "\""))
        let start = json.count
        json.append(contentsOf: text.utf8)
        // Nearly all of them are plain, and taken as a whole.
        if !json[start...].allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            json.removeSubrange(start...)
            var quoted = ""
            for scalar in text.unicodeScalars {
                JSONString.append(scalar.value == 0 ? "\u{fffd}" : scalar, to: &quoted)
            }
            json.append(contentsOf: quoted.utf8)
        }
        json.append(UInt8(ascii: "\""))
    }
}

extension String {
    /// Itself, where there is nothing to change, as in nearly all names that come here.
    fileprivate var inLowerCase: String {
        utf8.contains { !(0x21...0x7e).contains($0) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
            ? lowercased() : self
    }
}
