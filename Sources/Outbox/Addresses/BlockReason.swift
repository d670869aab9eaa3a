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
    /// Multicast.
    case multicast
    /// The broadcast address.
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
    /// The discard prefix.
    case discard
    /// The identifiers of segment routing.
    case segmentRouting = "segment_routing"
    /// An address that means something on one network interface only.
    case scoped
}
