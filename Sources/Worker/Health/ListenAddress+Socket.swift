package import FlyingSocks
import Outbox
package import Settings

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ListenAddress {
    /// As FlyingSocks takes it.
    package func socketAddress() throws -> any SocketAddress {
        switch host {
        case .v4: return try sockaddr_in.inet(ip4: host.description, port: port)
        case .v6: return try sockaddr_in6.inet6(ip6: host.description, port: port)
        }
    }
}
