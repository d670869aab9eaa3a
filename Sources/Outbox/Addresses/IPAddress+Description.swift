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
