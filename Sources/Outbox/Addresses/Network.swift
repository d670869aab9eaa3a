/// A range of addresses that share a prefix, in CIDR form (RFC 4632, RFC 4291 section 2.3): `127.0.0.0/8`, `fd00::/8`.
package struct Network: Hashable, Sendable, CustomStringConvertible {
    /// The first address of the network; all bits after the prefix are zero.
    package let base: IPAddress
    /// How many leading bits every address of the network shares: 1 to 32, or 1 to 128 for IPv6.
    package let prefixLength: Int

    /// Clears the bits after the prefix. Only for prefix lengths that the caller has checked or that stand in the source.
    init(containing address: IPAddress, prefixLength: Int) {
        self.base = address.keeping(prefix: prefixLength)
        self.prefixLength = prefixLength
    }

    /// The canonical text, such as `10.0.0.0/8`.
    package var description: String { "\(base)/\(prefixLength)" }

    /// Whether the address lies in this network. IPv4 and IPv6 never mix: convert a mapped address first
    /// (``IPAddress/unmapped``).
    package func contains(_ address: IPAddress) -> Bool {
        switch (base, address) {
        case (.v4, .v4), (.v6, .v6): address.keeping(prefix: prefixLength) == base
        default: false
        }
    }
}

extension IPAddress {
    /// The address with every bit after the first `prefix` bits cleared.
    fileprivate func keeping(prefix: Int) -> IPAddress {
        // `<<` on fixed-width integers gives 0, not a trap, when all bits are shifted out.
        switch self {
        case .v4(let number):
            .v4(number & UInt32.max << (32 - prefix))
        case .v6(let high, let low):
            .v6(
                high: high & UInt64.max << (64 - min(prefix, 64)),
                low: low & UInt64.max << (64 - max(prefix - 64, 0)))
        }
    }
}

extension Network {
    /// Reads one CIDR strictly.
    ///
    /// Refused: an address without prefix, a prefix out of range or with a leading zero, bits set after the prefix, an
    /// IPv4-mapped network (addresses are judged as IPv4, so it would never match), and `/0`.
    package init(_ text: String) throws(InvalidText) {
        let bytes = Array(text.utf8)[...]
        let parts = bytes.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first.flatMap(IPAddress.init(bytes:)) else {
            throw InvalidText(.network, "\(Excerpt(text)) is not a network; write it like 10.0.0.0/8 or fd00::/8")
        }
        let longest = address.bitWidth
        guard parts.count == 2 else {
            throw InvalidText(
                .network, "\(address) has no prefix length; write \(address)/\(longest) for this address alone")
        }
        guard let prefix = DecimalNumber.parseCanonical(parts[1], maximumDigits: 3), prefix <= longest else {
            throw InvalidText(
                .network, "the prefix length \(Excerpt(parts[1])) of \(address) is not a number from 1 to \(longest)")
        }
        guard prefix > 0 else {
            throw InvalidText(.network, "\(address)/0 is every address there is, which would switch the protection off")
        }
        guard !address.isIPv4Mapped else {
            throw InvalidText(.network, "\(address)/\(prefix) is an IPv4-mapped network; write it as an IPv4 network")
        }
        self.init(containing: address, prefixLength: prefix)
        guard base == address else {
            throw InvalidText(.network, "\(address)/\(prefix) has bits set after its prefix; did you mean \(self)?")
        }
    }

    /// Reads a comma-separated list, such as `127.0.0.0/8, ::1/128`. Spaces around an entry are allowed, an empty entry
    /// is not; text without anything is an empty list.
    package static func list(_ text: String) throws(InvalidText) -> [Network] {
        let bytes = Array(text.utf8)[...].trimmingBlanks
        guard !bytes.isEmpty else { return [] }
        let entries = bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard entries.count <= Limits.allowedNetworks else {
            throw InvalidText(.network, "\(entries.count) networks are more than the \(Limits.allowedNetworks) allowed")
        }
        var networks: [Network] = []
        for entry in entries {
            networks.append(try Network(String(decoding: entry.trimmingBlanks, as: UTF8.self)))
        }
        return networks
    }
}

extension IPAddress {
    /// 32 or 128.
    var bitWidth: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }
}
