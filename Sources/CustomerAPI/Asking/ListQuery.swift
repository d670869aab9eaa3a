import Formats

/// Which part of a list is asked for: what stands behind the question mark.
package struct ListQuery: Hashable, Sendable {
    /// How many rows a page has at most; more would let one request hold much at once.
    package static let mostRows = 100
    static let usualRows = 50
    private static let statuses: Set<String> = [
        "pending", "in_flight", "retrying", "held", "blocked", "delivered", "dead", "expired", "cancelled", "filtered",
        "superseded",
    ]

    package private(set) var limit = Self.usualRows
    /// Where the page before ended, as it was handed out.
    package private(set) var cursor: String?
    /// A word of `postrider.event_deliveries`.
    package private(set) var status: String?
    /// RFC 3339, in form; whether there is such a day the database knows.
    package private(set) var since: String?

    /// - Parameters:
    ///   - query: as it came.
    ///   - names: those that this list knows.
    package init(_ query: some StringProtocol, allowing names: Set<String>) throws(APIProblem) {
        var seen: Set<String> = []
        for pair in String(query).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = PercentText.decode(parts[0], plusIsSpace: true) ?? String(parts[0])
            guard names.contains(name) else { throw .unknown(.invalidRequest, name, among: names) }
            guard seen.insert(name).inserted else { throw Self.wrong(name, "must be there once") }
            guard parts.count == 2, let value = PercentText.decode(parts[1], plusIsSpace: true) else {
                throw Self.wrong(name, "must have a value that is UTF-8")
            }
            try set(name, value)
        }
    }

    private mutating func set(_ name: String, _ value: String) throws(APIProblem) {
        switch name {
        case "limit":
            guard value.utf8.count <= 3, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(value),
                (1...Self.mostRows).contains(count)
            else { throw Self.wrong(name, "must be from 1 to \(Self.mostRows)") }
            limit = count
        case "status":
            guard Self.statuses.contains(value) else {
                throw Self.wrong(name, "must be one of \(Self.statuses.sorted().joined(separator: ", "))")
            }
            status = value
        case "since":
            guard Self.isTime(value) else { throw Self.wrong(name, "must be a time like 2024-11-20T12:00:00Z") }
            since = value
        default:
            guard (1...2_048).contains(value.utf8.count) else {
                throw Self.wrong(name, "must be one that was handed out")
            }
            cursor = value
        }
    }

    /// The cursor of a list by name: the last name that was shown.
    package var cursorName: String? {
        get throws(APIProblem) {
            guard let cursor else { return nil }
            guard let bytes = Hexadecimal.decode(Array(cursor.utf8)), !bytes.contains(0),
                let name = String(validating: bytes, as: UTF8.self)
            else { throw Self.wrong("cursor", "must be one that was handed out") }
            return name
        }
    }

    /// The cursor of a list by time: the last event that was shown.
    package var cursorEvent: String? {
        get throws(APIProblem) {
            guard let cursor else { return nil }
            let parts = cursor.split(separator: "_", omittingEmptySubsequences: false).map { Array($0.utf8) }
            let isHexadecimal = { (byte: UInt8) in (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }
            guard parts.count == 2, parts[0].count == 13, parts[0].allSatisfy(isHexadecimal),
                (1...18).contains(parts[1].count), parts[1].allSatisfy({ (0x30...0x39).contains($0) }),
                parts[1].first != 0x30
            else { throw Self.wrong("cursor", "must be one that was handed out") }
            return cursor
        }
    }

    private static func wrong(_ name: String, _ rule: String) -> APIProblem {
        APIProblem(.invalidRequest, "\(name) \(rule)", field: name)
    }

    /// `date-time` of RFC 3339 in its plain form: the digits and the signs between them.
    private static func isTime(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let form = Array("0000-00-00T00:00:00".utf8)
        guard bytes.count > form.count, bytes.count <= 40 else { return false }
        for (byte, place) in zip(bytes, form) {
            guard place == 0x30 ? (0x30...0x39).contains(byte) : byte == place else { return false }
        }
        var rest = bytes[form.count...]
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard (1...9).contains(digits.count) else { return false }
            rest = rest.dropFirst(digits.count)
        }
        guard rest.first != UInt8(ascii: "Z") else { return rest.count == 1 }
        guard let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return false }
        return zip(rest.dropFirst(), Array("00:00".utf8)).allSatisfy { byte, place in
            place == 0x30 ? (0x30...0x39).contains(byte) : byte == place
        } && rest.count == 6
    }
}
