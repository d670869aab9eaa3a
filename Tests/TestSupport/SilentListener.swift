internal import Dispatch
internal import Glibc
internal import LocalPostgres

/// Takes connections on a loopback address and says nothing.
package final class SilentListener: Sendable {
    struct Failure: Error {}

    package let port: UInt16
    private let socket: Int32

    package init() throws {
        (socket, port) = try LoopbackPort.bound()
        guard listen(socket, 8) == 0 else { throw Failure() }
    }

    package init(address: String, port: UInt16) throws {
        self.port = port
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        place.sin_addr.s_addr = inet_addr(address)
        let isBound = withUnsafePointer(to: &place) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isBound, listen(socket, 8) == 0 else { throw Failure() }
    }

    deinit {
        close(socket)
    }

    /// Waits until a client has connected.
    package func waitForClient() async {
        await withCheckedContinuation { continuation in
            let socket = socket
            DispatchQueue.global().async {
                let client = accept(socket, nil, nil)
                continuation.resume()
                _ = client
            }
        }
    }
}
