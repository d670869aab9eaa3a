import CLibCurl
import Glibc
import Outbox

/// Whether this machine would reach an IPv6 address: what RFC 6724 orders addresses by, as far as it matters here.
enum IPv6Route {
    /// Asks the kernel which address of this machine it would send from. No packet is sent.
    ///
    /// A machine whose own addresses are local ones (a container's, say) often has a route that leads to nowhere.
    static func isUsable(to address: IPAddress) -> Bool {
        let descriptor = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = UInt16(443).bigEndian
        unsafe withUnsafeMutableBytes(of: &name.sin6_addr) { unsafe $0.copyBytes(from: address.octets) }
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        return unsafe withUnsafeMutableBytes(of: &name) { bytes in
            guard let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                unsafe connect(descriptor, start, length) == 0, unsafe getsockname(descriptor, start, &length) == 0,
                let source = unsafe SocketAddress(start)
            else { return false }
            return isGlobal(source.address) || !isGlobal(address)
        }
    }

    /// Of the block 2000::/3, from which all global addresses come (RFC 3587, section 3).
    private static func isGlobal(_ address: IPAddress) -> Bool {
        if case .v6(let high, _) = address { high >> 61 == 1 } else { false }
    }
}
