internal import Glibc

/// The TCP ports of 127.0.0.1.
package enum LoopbackPort {
    /// A port on which no program listens at the moment.
    package static func free() throws(LocalPostgresError) -> UInt16 {
        let (socket, port) = try bound()
        close(socket)
        return port
    }

    /// A socket that is bound to a port, and that port. The caller closes the socket.
    ///
    /// - Parameter port: the port, or 0 for any that is free.
    package static func bound(to port: UInt16 = 0) throws(LocalPostgresError) -> (socket: Int32, port: UInt16) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var on: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, length) == 0 && getsockname(socket, address, &length) == 0
            }
        }
        guard isBound else {
            let reason = String(cString: strerror(errno))
            close(socket)
            throw LocalPostgresError("No TCP port of 127.0.0.1 can be had: \(reason)")
        }
        return (socket, UInt16(bigEndian: address.sin_port))
    }
}
