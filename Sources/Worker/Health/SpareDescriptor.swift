import FlyingSocks
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file descriptor held in reserve, so that one more connection can be accepted when there are none left.
final class SpareDescriptor: Sendable {
    private let socket: Mutex<Socket?>

    init() {
        socket = Mutex(Self.open())
    }

    deinit {
        release()
    }

    /// Gives the descriptor back to the system. Returns whether there was one.
    @discardableResult func release() -> Bool {
        socket.withLock { socket in
            guard let held = socket.take() else { return false }
            try? held.close()
            return true
        }
    }

    /// Takes a descriptor into reserve again, if there is none and the system has one.
    func refill() {
        socket.withLock { socket in
            if socket == nil {
                socket = Self.open()
            }
        }
    }

    private static func open() -> Socket? {
        try? Socket(domain: AF_UNIX)
    }
}
