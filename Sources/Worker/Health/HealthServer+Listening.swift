import FlyingSocks
import Outbox
import Settings

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension HealthServer {
    /// A socket that listens on `address`, and the address it got.
    static func listen(on address: ListenAddress) throws(ConfigurationError) -> (Socket, ListenAddress) {
        do {
            return try open(address)
        } catch {
            throw ConfigurationError(
                .unusableAddress, key: ConfigurationKey.healthListen.rawValue,
                rule: "is \(address), which \(reason(for: error))")
        }
    }

    private static func open(_ address: ListenAddress) throws -> (Socket, ListenAddress) {
        let socket: Socket
        switch address.host {
        case .v4:
            socket = try Socket(domain: AF_INET)
            try prepare(socket, for: sockaddr_in.inet(ip4: address.host.description, port: address.port))
        case .v6:
            socket = try Socket(domain: AF_INET6)
            try prepare(socket, for: sockaddr_in6.inet6(ip6: address.host.description, port: address.port))
        }
        switch try socket.sockname() {
        case .ip4(_, let port), .ip6(_, let port):
            return (socket, ListenAddress(host: address.host, port: port))
        case .unix:
            return (socket, address)
        }
    }

    private static func prepare(_ socket: Socket, for address: some SocketAddress) throws {
        do {
            try socket.setValue(true, for: .localAddressReuse)
            try socket.bind(to: address)
            try socket.listen(maxPendingConnection: 64)
        } catch {
            try? socket.close()
            throw error
        }
    }

    private static func reason(for error: any Error) -> String {
        guard case .failed(_, let code, _) = error as? SocketError else { return "cannot be listened on" }
        return switch code {
        case EADDRINUSE: "another process listens on already"
        case EADDRNOTAVAIL: "is not an address of this machine"
        case EACCES, EPERM: "this user may not listen on (ports below 1024 are reserved)"
        case EAFNOSUPPORT: "is of a family this machine does not have"
        default: "cannot be listened on (errno \(code))"
        }
    }
}
