/// Decides which endpoint URLs this installation accepts, when an endpoint is written and again before each request.
///
/// A name that passes here can still resolve to a blocked address: ``addresses`` judges that at each attempt.
package struct EndpointPolicy: Hashable, Sendable {
    /// Whether `http://` is accepted.
    package let allowHTTP: Bool
    /// Which addresses may be dialled.
    package let addresses: AddressPolicy

    /// A policy.
    package init(allowHTTP: Bool = false, addresses: AddressPolicy = AddressPolicy()) {
        self.allowHTTP = allowHTTP
        self.addresses = addresses
    }

    /// Reads and judges a URL in one step.
    package func endpointURL(_ text: String) throws -> EndpointURL {
        let url = try EndpointURL(text)
        try judge(url)
        return url
    }

    /// Throws when the URL is refused.
    package func judge(_ url: EndpointURL) throws(EndpointRefusal) {
        guard url.scheme == .https || allowHTTP else {
            throw EndpointRefusal(
                .http, "http:// endpoints are not allowed here; use https:// or set POSTRIDER_ALLOW_HTTP=true")
        }
        let isThisMachine: Bool
        switch url.host {
        case .address(let address):
            guard case .allowed = addresses.verdict(literal: address) else { throw refusal(of: address) }
            isThisMachine = SpecialNetworks.reason(for: address) == .loopback
        case .name(let name):
            isThisMachine = try judge(name: name)
        }
        if let reason = PortRule.refusal(of: url.port, onThisMachine: isThisMachine) {
            throw EndpointRefusal(.port, "port \(url.port) is not allowed: \(reason)")
        }
    }

    private func refusal(of address: IPAddress) -> EndpointRefusal {
        guard case .blocked(let reason) = addresses.verdict(literal: address), reason != .ipv4Mapped else {
            return EndpointRefusal(.address, "\(address) is an IPv4-mapped address; write \(address.unmapped)")
        }
        return EndpointRefusal(
            .address,
            "\(address) lies in a blocked network (\(reason.rawValue)); POSTRIDER_ALLOWED_NETWORKS can allow its network"
        )
    }

    /// Returns whether the name means this machine.
    private func judge(name: String) throws(EndpointRefusal) -> Bool {
        switch HostNameKind(name) {
        case .ordinary:
            return false
        case .metadata:
            throw EndpointRefusal(.name, "\(name) is a cloud's metadata service")
        case .thisMachine:
            guard addresses.allowsLoopback else {
                throw EndpointRefusal(
                    .name,
                    "\(name) means this machine; POSTRIDER_ALLOWED_NETWORKS=127.0.0.0/8 allows it when developing")
            }
            return true
        case .privateNetwork:
            guard addresses.allowsPrivateNetwork else {
                throw EndpointRefusal(
                    .name,
                    "\(name) is a name of a private network; POSTRIDER_ALLOWED_NETWORKS has to list the network it lives in"
                )
            }
            return false
        }
    }
}

extension AddressPolicy {
    /// Whether the operator allowed this machine as a place for endpoints.
    fileprivate var allowsLoopback: Bool {
        allows(.v4(0x7f00_0001)) || allows(.v6(high: 0, low: 1))
    }

    /// Whether the operator allowed any network other than this machine's own.
    fileprivate var allowsPrivateNetwork: Bool {
        allowed.contains { SpecialNetworks.reason(for: $0.base) != .loopback }
    }
}
