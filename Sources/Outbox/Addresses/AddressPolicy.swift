/// Decides which addresses may be dialled: the only judge of this question in the whole system.
///
/// Everything that is not an ordinary public address is blocked, unless it lies in one of the allowed networks. The
/// well-known NAT64 prefix is special: listing `64:ff9b::/96` allows the translation, and then the IPv4 address inside
/// is judged, so that it opens no way to private networks.
package struct AddressPolicy: Hashable, Sendable {
    /// The networks that endpoints may live in although they are special.
    package let allowed: [Network]

    package init(allowed: [Network] = []) {
        self.allowed = allowed
    }

    /// Judges an address that a name resolved to or a socket is about to connect to.
    ///
    /// - Parameters:
    ///   - scopeID: the zone of a `sockaddr_in6`. Any zone blocks: such an address means something on one network interface
    ///     only.
    ///   - isOwn: whether an interface of this machine has the address.
    package func verdict(_ address: IPAddress, scopeID: UInt32 = 0, isOwn: Bool = false) -> AddressVerdict {
        guard scopeID == 0 else { return .blocked(.scoped) }
        let address = address.unmapped
        guard let reason = SpecialNetworks.reason(for: address) ?? (isOwn ? .ownAddress : nil) else { return .allowed }
        guard allows(address) else { return .blocked(reason) }
        if SpecialNetworks.nat64.contains(address), case .v6(_, let low) = address {
            return verdict(.v4(UInt32(truncatingIfNeeded: low)))
        }
        return .allowed
    }

    /// Judges an address that stands in a URL. An IPv4-mapped one is blocked even when the IPv4 address is public: that
    /// spelling has no use, and other readers judge it differently.
    package func verdict(literal address: IPAddress) -> AddressVerdict {
        address.isIPv4Mapped ? .blocked(.ipv4Mapped) : verdict(address)
    }

    /// Whether the address lies in a network that the operator allowed.
    func allows(_ address: IPAddress) -> Bool {
        allowed.contains { $0.contains(address) }
    }
}

/// Whether an address may be dialled.
package enum AddressVerdict: Hashable, Sendable {
    case allowed
    case blocked(BlockReason)

    package var isAllowed: Bool { self == .allowed }
}
