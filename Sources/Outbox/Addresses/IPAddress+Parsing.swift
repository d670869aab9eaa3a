extension IPAddress {
    /// Reads an address strictly: a dotted quad of four decimal numbers 0 to 255 without leading zeros, or the IPv6 text
    /// forms of RFC 4291 section 2.2, with a dotted quad at the end allowed and without zone, brackets or prefix.
    ///
    /// The forms that `inet_aton` knows beside that (`127.1`, `0x7f.1`, `0177.0.0.1`, `2130706433`) are nil here.
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
