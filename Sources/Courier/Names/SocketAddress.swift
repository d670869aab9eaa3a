import CCAres
import CLibCurl
import Glibc
import Outbox

/// An address in the form of the socket interface.
struct SocketAddress: Equatable {
    var address: IPAddress
    var port: UInt16
    /// The zone of a link-local address; 0 for all others.
    var scope: UInt32 = 0

    init(_ address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// Reads a `sockaddr`, which must be as long as its family says. Nil for families other than IPv4 and IPv6.
    ///
    /// An IPv4 address that is mapped into IPv6 (RFC 4291, section 2.5.5.2) is the IPv4 address: that is where a packet
    /// would go.
    init?(_ pointer: UnsafePointer<sockaddr>) {
        switch Int32(unsafe pointer.pointee.sa_family) {
        case AF_INET:
            let value = unsafe UnsafeRawPointer(pointer).loadUnaligned(as: sockaddr_in.self)
            self.init(.v4(UInt32(bigEndian: value.sin_addr.s_addr)), port: UInt16(bigEndian: value.sin_port))
        case AF_INET6:
            let value = unsafe UnsafeRawPointer(pointer).loadUnaligned(as: sockaddr_in6.self)
            self.init(Self.address(of: value.sin6_addr), port: UInt16(bigEndian: value.sin6_port))
            scope = value.sin6_scope_id
        default:
            return nil
        }
    }

    /// The address that `text` spells in the notation of inet_pton(3), without a zone.
    static func address(ofText text: UnsafePointer<CChar>) -> IPAddress? {
        var v4 = in_addr()
        if unsafe inet_pton(AF_INET, text, &v4) == 1 { return .v4(UInt32(bigEndian: v4.s_addr)) }
        var v6 = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        return address(of: v6)
    }

    private static func address(of value: in6_addr) -> IPAddress {
        let (high, low) = unsafe withUnsafeBytes(of: value) { bytes in
            (
                UInt64(bigEndian: unsafe bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        if high == 0, low >> 32 == 0xFFFF { return .v4(UInt32(truncatingIfNeeded: low)) }
        return .v6(high: high, low: low)
    }
}
