public import Outbox

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A range of addresses in CIDR notation, such as `127.0.0.0/8` or `fd00::/8`. The bits after the prefix are zero.
public struct ConfiguredNetwork: Hashable, Sendable {
    /// The first address of the range.
    public let address: IPAddress
    /// How many leading bits an address must share with it.
    public let prefixLength: Int
}

/// The words in which values are written, read strictly: ASCII only, nothing before, between or after.
enum ConfigurationValue {
    /// A decimal number without sign or blanks: what `Int` takes, less `+5` and `-0`.
    static func wholeNumber(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    /// `true` or `false`; neither `1` nor `yes` nor `TRUE`.
    static func boolean(_ text: String) -> Bool? {
        switch text {
        case "true": true
        case "false": false
        default: nil
        }
    }

    /// A whole number and a unit: `500ms`, `15s`, `5m`, `2h`, `1d`.
    static func duration(_ text: String) -> Duration? {
        let units: [(String, milliseconds: Int)] = [
            ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
        ]
        for (suffix, milliseconds) in units where text.hasSuffix(suffix) {
            guard let count = wholeNumber(text.dropLast(suffix.count)) else { continue }
            let (total, overflow) = count.multipliedReportingOverflow(by: milliseconds)
            return overflow ? nil : .milliseconds(total)
        }
        return nil
    }

    /// A whole number of bytes, optionally in a binary unit: `1048576`, `512 KiB`, `64MiB`, `1 GiB`.
    static func byteCount(_ text: String) -> Int? {
        let units: [(String, bytes: Int)] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1), ("", 1)]
        for (suffix, bytes) in units where text.hasSuffix(suffix) {
            var number = text.dropLast(suffix.count)
            if !suffix.isEmpty, number.hasSuffix(" ") {
                number = number.dropLast()
            }
            guard let count = wholeNumber(number) else { continue }
            let (total, overflow) = count.multipliedReportingOverflow(by: bytes)
            return overflow ? nil : total
        }
        return nil
    }

    /// An address without brackets, zone or port.
    static func address(_ text: String) -> IPAddress? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            return .v4(UInt32(bigEndian: four.s_addr))
        }
        var six = in6_addr()
        guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        let octets = withUnsafeBytes(of: six) { Array($0) }
        let halves = [octets.prefix(8), octets.suffix(8)].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        return .v6(high: halves[0], low: halves[1])
    }

    /// A network in CIDR notation whose host bits are zero. The whole internet (`/0`) is not a network to allow.
    static func network(_ text: String) -> ConfiguredNetwork? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = address(String(parts[0])), let prefix = wholeNumber(parts[1]) else {
            return nil
        }
        let hostBitsAreZero: Bool
        switch address {
        case .v4(let bits):
            guard (1...32).contains(prefix) else { return nil }
            hostBitsAreZero = bits & ~(UInt32.max << UInt32(32 - prefix)) == 0
        case .v6(let high, let low):
            guard (1...128).contains(prefix) else { return nil }
            let highMask = prefix >= 64 ? UInt64.max : UInt64.max << UInt64(64 - prefix)
            let lowMask = prefix <= 64 ? 0 : UInt64.max << UInt64(128 - prefix)
            hostBitsAreZero = high & ~highMask == 0 && low & ~lowMask == 0
        }
        return hostBitsAreZero ? ConfiguredNetwork(address: address, prefixLength: prefix) : nil
    }
}
