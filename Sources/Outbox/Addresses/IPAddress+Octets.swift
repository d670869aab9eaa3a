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
