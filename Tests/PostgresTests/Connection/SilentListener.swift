import Dispatch
import Glibc

/// Takes connections on 127.0.0.1 and says nothing.
final class SilentListener: Sendable {
    struct Failure: Error {}

    let port: UInt16
    private let socket: Int32

    init() throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = socket
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, length) == 0 && listen(socket, 8) == 0
                    && getsockname(socket, address, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isListening else { throw Failure() }
    }

    deinit {
        close(socket)
    }

    /// Waits until somebody has connected.
    func waitForClient() async {
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
