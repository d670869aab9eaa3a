/// An IPv4 or IPv6 address, without port, zone or prefix.
package enum IPAddress: Hashable, Sendable {
    /// The four octets in network order, as one number: 127.0.0.1 is `0x7f00_0001`.
    case v4(UInt32)
    /// The sixteen octets in network order, as two numbers: ::1 is `high: 0, low: 1`.
    case v6(high: UInt64, low: UInt64)
}

extension IPAddress {
    /// Reads an address strictly: a dotted quad of four decimal numbers 0 to 255 without leading zeros, or the IPv6 text
    /// forms of RFC 4291 section 2.2, with a dotted quad at the end allowed and without zone, brackets or prefix.
    ///
    /// The other forms that `inet_aton` reads (`127.1`, `0x7f.1`, `0177.0.0.1`, `2130706433`) are nil here.
    package init?(_ text: String) {
        self.init(bytes: Array(text.utf8)[...])
    }

    init?(bytes: ArraySlice<UInt8>) {
        if bytes.contains(UInt8(ascii: ":")) {
            self.init(v6: bytes)
        } else {
            guard let number = Self.dottedQuad(bytes) else { return nil }
            self = .v4(number)
        }
    }

    private init?(v6 bytes: ArraySlice<UInt8>) {
        guard bytes.count <= Self.longestText, let groups = Self.groups(bytes) else { return nil }
        func half(_ groups: ArraySlice<UInt16>) -> UInt64 { groups.reduce(0) { $0 << 16 | UInt64($1) } }
        self = .v6(high: half(groups[..<4]), low: half(groups[4...]))
    }

    /// `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`
    private static let longestText = 45
    private static let colon = UInt8(ascii: ":")

    private static func dottedQuad(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard let value = DecimalNumber.parseCanonical(part, maximumDigits: 3),
                let octet = UInt8(exactly: value)
            else { return nil }
            number = number << 8 | UInt32(octet)
        }
        return number
    }

    /// The eight groups of an IPv6 address; `::` stands for one or more groups of zero and may occur once.
    private static func groups(_ bytes: ArraySlice<UInt8>) -> [UInt16]? {
        var groups: [UInt16] = []
        var gap: Int?
        var index = bytes.startIndex
        if bytes.starts(with: [colon, colon]) {
            gap = 0
            index += 2
        }
        while index < bytes.endIndex {
            let stop = bytes[index...].firstIndex(of: colon) ?? bytes.endIndex
            let part = bytes[index..<stop]
            if part.contains(UInt8(ascii: ".")) {
                guard stop == bytes.endIndex, let number = dottedQuad(part) else { return nil }
                groups.append(UInt16(truncatingIfNeeded: number >> 16))
                groups.append(UInt16(truncatingIfNeeded: number))
                break
            }
            guard let group = hexGroup(part) else { return nil }
            groups.append(group)
            guard stop < bytes.endIndex else { break }
            index = stop + 1
            guard index < bytes.endIndex else { return nil }
            if bytes[index] == colon {
                guard gap == nil else { return nil }
                gap = groups.count
                index += 1
            }
        }
        guard let gap else { return groups.count == 8 ? groups : nil }
        guard groups.count < 8 else { return nil }
        groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
        return groups
    }

    private static func hexGroup(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard (1...4).contains(digits.count) else { return nil }
        var value: UInt16 = 0
        for digit in digits {
            guard let number = digit.hexValue else { return nil }
            value = value << 4 | UInt16(number)
        }
        return value
    }
}

extension IPAddress: CustomStringConvertible {
    /// The one canonical text: a dotted quad, or the form of RFC 5952 (lower case, no leading zeros, the longest run of
    /// two or more zero groups as `::`, the first of equal runs; IPv4-mapped addresses end in a dotted quad).
    package var description: String {
        switch self {
        case .v4:
            return octets.map(String.init).joined(separator: ".")
        case .v6(let high, let low):
            if isIPv4Mapped { return "::ffff:\(unmapped)" }
            return Self.text(
                groups: [high, low].flatMap { half in
                    [48, 32, 16, 0].map { UInt16(truncatingIfNeeded: half >> $0) }
                })
        }
    }

    private static func text(groups: [UInt16]) -> String {
        func join(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard let zeros = longestRunOfZeros(groups) else { return join(groups[...]) }
        return join(groups[..<zeros.lowerBound]) + "::" + join(groups[zeros.upperBound...])
    }

    private static func longestRunOfZeros(_ groups: [UInt16]) -> Range<Int>? {
        var longest: Range<Int>?
        var start: Int?
        for (index, group) in (groups + [1]).enumerated() {
            if group == 0 {
                start = start ?? index
            } else if let begin = start {
                if index - begin > (longest?.count ?? 1) { longest = begin..<index }
                start = nil
            }
        }
        return longest
    }
}

extension IPAddress {
    /// An address from its octets in network order, as a `sockaddr` holds them: four for IPv4, sixteen for IPv6,
    /// nil for any other count.
    package init?(octets: some Collection<UInt8>) {
        func number(_ part: some Sequence<UInt8>) -> UInt64 { part.reduce(0) { $0 << 8 | UInt64($1) } }
        switch octets.count {
        case 4: self = .v4(UInt32(truncatingIfNeeded: number(octets)))
        case 16: self = .v6(high: number(octets.prefix(8)), low: number(octets.dropFirst(8)))
        default: return nil
        }
    }

    /// The octets in network order: four for IPv4, sixteen for IPv6.
    package var octets: [UInt8] {
        switch self {
        case .v4(let number): Self.bigEndian(number)
        case .v6(let high, let low): Self.bigEndian(high) + Self.bigEndian(low)
        }
    }

    /// Whether the address is written as `::ffff:a.b.c.d` (RFC 4291 section 2.5.5.2).
    package var isIPv4Mapped: Bool {
        guard case .v6(let high, let low) = self else { return false }
        return high == 0 && low >> 32 == 0xffff
    }

    /// The IPv4 address inside an IPv4-mapped one; any other address as it is.
    package var unmapped: IPAddress {
        guard isIPv4Mapped, case .v6(_, let low) = self else { return self }
        return .v4(UInt32(truncatingIfNeeded: low))
    }

    private static func bigEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        stride(from: Number.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}
