/// Decides which endpoint URLs this installation accepts, when an endpoint is written and again before each request.
///
/// A name that passes here can still resolve to a blocked address: ``addresses`` judges that at each attempt.
package struct EndpointPolicy: Hashable, Sendable {
    /// Whether `http://` is accepted.
    package let allowHTTP: Bool
    /// Which addresses may be dialled.
    package let addresses: AddressPolicy

    package init(allowHTTP: Bool = false, addresses: AddressPolicy = AddressPolicy()) {
        self.allowHTTP = allowHTTP
        self.addresses = addresses
    }

    package func endpointURL(_ text: String) throws -> EndpointURL {
        let url = try EndpointURL(text)
        try judge(url)
        return url
    }

    /// Throws when the URL is refused.
    package func judge(_ url: EndpointURL) throws(EndpointRefusal) {
        guard url.scheme == .https || allowHTTP else {
            throw EndpointRefusal(
                .http, "http:// endpoints are not allowed here; use https:// or set POSTRIDER_ALLOW_HTTP=true",
                isOfThisProcess: true)
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
            "\(address) lies in a blocked network (\(reason.rawValue)); POSTRIDER_ALLOWED_NETWORKS can allow its network",
            isOfThisProcess: reason.isOfOwnNetworks)
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
                    "\(name) means this machine; POSTRIDER_ALLOWED_NETWORKS=127.0.0.0/8 allows it when developing",
                    isOfThisProcess: true)
            }
            return true
        case .privateNetwork:
            guard addresses.allowsPrivateNetwork else {
                throw EndpointRefusal(
                    .name,
                    "\(name) is a name of a private network; POSTRIDER_ALLOWED_NETWORKS has to list the network it lives in",
                    isOfThisProcess: true)
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

/// Why the policy of this installation refuses a well-formed endpoint URL.
package struct EndpointRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, CaseIterable, Sendable {
        /// `http://` is not allowed here.
        case http
        /// The literal address lies in a blocked network.
        case address
        /// The name means this machine, a private network or a cloud's metadata service.
        case name
        /// The port belongs to a service that does not speak HTTP, or is a system port other than 80 and 443.
        case port
    }

    package let code: Code
    /// One line for a person. It quotes host and port only.
    package let message: String
    /// Whether the settings of this process alone refuse it: another process may be started so that it sends there. Services
    /// of clouds, multicast and the like are nothing that a worker is set up for.
    package let isOfThisProcess: Bool

    package var description: String { message }

    init(_ code: Code, _ message: String, isOfThisProcess: Bool = false) {
        self.code = code
        self.message = message
        self.isOfThisProcess = isOfThisProcess
    }
}

/// Which ports an endpoint may have: 80, 443 and everything from 1024 up, except well-known services that do not speak
/// HTTP and could be talked into something by the bytes of a request.
enum PortRule {
    /// Why the port is refused, or nil.
    ///
    /// - Parameter onThisMachine: a receiver being developed on the loopback interface may have any port from 1024 up.
    static func refusal(of port: UInt16, onThisMachine: Bool) -> String? {
        if port == 80 || port == 443 { return nil }
        guard port >= 1024 else { return "below 1024 only 80 and 443 are" }
        guard !onThisMachine, let service = services[port] else { return nil }
        return "it is the port of \(service)"
    }

    private static let services: [UInt16: String] = [
        1433: "Microsoft SQL Server",
        1521: "Oracle Database",
        1723: "PPTP",
        2049: "NFS",
        3306: "MySQL",
        3389: "RDP",
        4222: "NATS",
        5060: "SIP",
        5061: "SIP",
        5432: "PostgreSQL",
        5671: "AMQP",
        5672: "AMQP",
        5900: "VNC",
        6000: "X11",
        6379: "Redis",
        6432: "PgBouncer",
        6667: "IRC",
        9042: "Cassandra",
        9092: "Kafka",
        11211: "memcached",
        27017: "MongoDB",
    ]
}

/// What a host name means by itself, before anything is resolved.
enum HostNameKind {
    case ordinary
    /// This machine: `localhost` and all below it (RFC 6761 section 6.3).
    case thisMachine
    /// A name that only a private network knows: one label, or below a suffix that public DNS does not have.
    case privateNetwork
    /// A cloud's metadata service, which hands out credentials.
    case metadata

    /// - Parameter name: in lower case, without a trailing dot.
    init(_ name: String) {
        let labels = name.split(separator: ".")
        if labels.last == "localhost" {
            self = .thisMachine
        } else if Self.metadataNames.contains(name) {
            self = .metadata
        } else if labels.count == 1 || labels.last.map({ Self.privateSuffixes.contains(String($0)) }) == true
            || name.hasSuffix(".home.arpa")
        {
            self = .privateNetwork
        } else {
            self = .ordinary
        }
    }

    private static let metadataNames: Set<String> = [
        "metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal",
    ]

    private static let privateSuffixes: Set<String> = [
        "internal", "local", "localdomain", "svc", "lan", "intranet", "corp", "home", "private",
    ]
}
