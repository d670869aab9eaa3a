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
