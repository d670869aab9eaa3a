/// The one table of addresses that no endpoint may have unless an operator allows the network they lie in.
///
/// Sources: the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its successors), the multicast
/// and reserved blocks, and the services that cloud providers keep at public addresses. Of IPv6 only `2000::/3`, what
/// IANA gives to hosts, can be dialled at all; the rest is listed so that the reason can be named.
enum SpecialNetworks {
    /// Why the address is blocked by default, or nil when it is an ordinary address of the Internet.
    ///
    /// An IPv4-mapped address has to be converted before.
    static func reason(for address: IPAddress) -> BlockReason? {
        switch address {
        case .v4:
            return v4.first { $0.network.contains(address) }?.reason
        case .v6:
            if let entry = v6.first(where: { $0.network.contains(address) }) { return entry.reason }
            return globalUnicast.contains(address) ? nil : .reserved
        }
    }

    /// RFC 6052: the IPv4 address stands in the last 32 bits.
    static let nat64 = network6(0x0064, 0xff9b, prefix: 96)
    private static let globalUnicast = network6(0x2000, prefix: 3)

    typealias Entry = (network: Network, reason: BlockReason)

    /// The first entry that matches counts.
    static let v4: [Entry] = [
        (network4(0, 0, 0, 0, prefix: 8), .unspecified),
        (network4(10, 0, 0, 0, prefix: 8), .privateUse),
        (network4(100, 64, 0, 0, prefix: 10), .sharedAddressSpace),
        (network4(127, 0, 0, 0, prefix: 8), .loopback),
        (network4(168, 63, 129, 16, prefix: 32), .cloudService),
        (network4(169, 254, 0, 0, prefix: 16), .linkLocal),
        (network4(172, 16, 0, 0, prefix: 12), .privateUse),
        (network4(192, 0, 0, 0, prefix: 24), .protocolAssignment),
        (network4(192, 0, 2, 0, prefix: 24), .documentation),
        (network4(192, 31, 196, 0, prefix: 24), .as112),
        (network4(192, 52, 193, 0, prefix: 24), .amt),
        (network4(192, 88, 99, 0, prefix: 24), .relayAnycast),
        (network4(192, 168, 0, 0, prefix: 16), .privateUse),
        (network4(192, 175, 48, 0, prefix: 24), .as112),
        (network4(198, 18, 0, 0, prefix: 15), .benchmarking),
        (network4(198, 51, 100, 0, prefix: 24), .documentation),
        (network4(203, 0, 113, 0, prefix: 24), .documentation),
        (network4(224, 0, 0, 0, prefix: 4), .multicast),
        (network4(255, 255, 255, 255, prefix: 32), .broadcast),
        (network4(240, 0, 0, 0, prefix: 4), .reserved),
    ]

    /// The first entry that matches counts.
    static let v6: [Entry] = [
        (network6(prefix: 128), .unspecified),
        (network6(0, 0, 0, 0, 0, 0, 0, 1, prefix: 128), .loopback),
        (network6(prefix: 96), .ipv4Embedded),
        (network6(0, 0, 0, 0, 0, 0xffff, prefix: 96), .ipv4Mapped),
        (network6(0, 0, 0, 0, 0xffff, prefix: 96), .ipv4Embedded),
        (nat64, .nat64),
        (network6(0x0064, 0xff9b, 1, prefix: 48), .nat64),
        (network6(0x0100, prefix: 64), .discard),
        (network6(0x2001, prefix: 23), .protocolAssignment),
        (network6(0x2001, 0x0db8, prefix: 32), .documentation),
        (network6(0x2002, prefix: 16), .sixToFour),
        (network6(0x2620, 0x004f, 0x8000, prefix: 48), .as112),
        (network6(0x3fff, prefix: 20), .documentation),
        (network6(0x5f00, prefix: 16), .segmentRouting),
        (network6(0xfc00, prefix: 7), .uniqueLocal),
        (network6(0xfe80, prefix: 10), .linkLocal),
        (network6(0xfec0, prefix: 10), .siteLocal),
        (network6(0xff00, prefix: 8), .multicast),
    ]

    private static func network4(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: UInt32, prefix: Int) -> Network {
        Network(containing: .v4(a << 24 | b << 16 | c << 8 | d), prefixLength: prefix)
    }

    /// A network by its leading groups; the groups left out are zero.
    private static func network6(_ groups: UInt64..., prefix: Int) -> Network {
        let all = groups + repeatElement(0, count: 8 - groups.count)
        let high = all[0] << 48 | all[1] << 32 | all[2] << 16 | all[3]
        let low = all[4] << 48 | all[5] << 32 | all[6] << 16 | all[7]
        return Network(containing: .v6(high: high, low: low), prefixLength: prefix)
    }
}

/// Why an address is not to be dialled, as one word for the operators' log and for metrics.
package enum BlockReason: String, CaseIterable, Sendable {
    /// "This host on this network", the unspecified address.
    case unspecified
    /// The machine itself.
    case loopback
    /// Private networks (RFC 1918).
    case privateUse = "private"
    /// Carrier-grade NAT (RFC 6598), where some clouds keep their metadata service.
    case sharedAddressSpace = "shared_address_space"
    /// Link-local addresses, where most clouds keep their metadata service.
    case linkLocal = "link_local"
    /// The site-local addresses of RFC 3879, long deprecated.
    case siteLocal = "site_local"
    /// Unique local addresses (RFC 4193), the private networks of IPv6.
    case uniqueLocal = "unique_local"
    /// A service of the cloud provider at a public address.
    case cloudService = "cloud_service"
    /// Assigned by IETF protocols, not to hosts.
    case protocolAssignment = "protocol_assignment"
    /// For examples in documents.
    case documentation
    /// For benchmarks of network devices.
    case benchmarking
    /// Reserved for the future, or outside of what is assigned to hosts on the Internet.
    case reserved
    case multicast
    case broadcast
    /// The sink of reverse lookups for private addresses.
    case as112
    /// Automatic multicast tunnelling.
    case amt
    /// The relays of 6to4, deprecated.
    case relayAnycast = "relay_anycast"
    /// 6to4: an IPv4 address in disguise.
    case sixToFour = "6to4"
    /// NAT64: an IPv4 address in disguise.
    case nat64
    /// An IPv4 address written as an IPv6 one.
    case ipv4Mapped = "ipv4_mapped"
    /// The IPv4-compatible, IPv4-translated forms: an IPv4 address in disguise.
    case ipv4Embedded = "ipv4_embedded"
    case discard
    case segmentRouting = "segment_routing"
    /// An address that means something on one network interface only.
    case scoped
    /// An address of this machine's own network interfaces.
    case ownAddress = "own_address"

    /// Whether it is of the networks that people set up for their own programs, receivers of webhooks among them.
    var isOfOwnNetworks: Bool {
        switch self {
        case .loopback, .privateUse, .uniqueLocal: true
        default: false
        }
    }
}
