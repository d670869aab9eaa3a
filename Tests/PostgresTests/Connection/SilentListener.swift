import Dispatch
import Glibc
import LocalPostgres

/// Takes connections on 127.0.0.1 and says nothing.
final class SilentListener: Sendable {
    struct Failure: Error {}

    let port: UInt16
    private let socket: Int32

    init() throws {
        (socket, port) = try LoopbackPort.bound()
        guard listen(socket, 8) == 0 else { throw Failure() }
    }

    deinit {
        close(socket)
    }

    /// Waits until a client has connected.
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
