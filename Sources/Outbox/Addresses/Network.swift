/// A range of addresses that share a prefix, in CIDR form (RFC 4632, RFC 4291 section 2.3): `127.0.0.0/8`, `fd00::/8`.
package struct Network: Hashable, Sendable, CustomStringConvertible {
    /// The first address of the network; all bits after the prefix are zero.
    package let base: IPAddress
    /// How many leading bits every address of the network shares: 1 to 32, or 1 to 128 for IPv6.
    package let prefixLength: Int

    /// Cuts the bits after the prefix off. Only for prefix lengths that the caller has checked or wrote down itself.
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
