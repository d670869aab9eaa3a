internal import CLibPQ
internal import Dispatch
internal import Glibc

/// Tells when libpq's socket can be read or written.
///
/// The socket sits in an epoll set of our own, and one `DispatchSource` watches the set. A source on the socket itself would
/// have to be cancelled, and its cancellation awaited, before libpq may close the socket: `PQconnectPoll` closes and
/// reopens it whenever it likes. Leaving an epoll set is one call, done when it returns. Besides, Dispatch drops a socket
/// for good once its peer has hung up, even if bytes are still to be read.
final class SocketWatch {
    private let set: Int32
    private let source: any DispatchSourceRead
    private var socket: Int32 = -1
    private var interest: UInt32 = 0

    init(queue: DispatchQueue, onReady: @escaping @Sendable () -> Void) throws(PostgresError) {
        let set = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard set >= 0 else { throw PostgresError(.connectFailed, "no file descriptor is left for a connection") }
        self.set = set
        source = DispatchSource.makeReadSource(fileDescriptor: set, queue: queue)
        source.setEventHandler(handler: onReady)
        source.setCancelHandler { close(set) }
        source.activate()
    }

    deinit {
        source.cancel()
    }

    /// Watches the socket, for what is asked for, until told otherwise.
    func watch(_ socket: Int32, reading: Bool, writing: Bool) {
        if socket != self.socket { forget() }
        let wanted = (reading ? EPOLLIN.rawValue : 0) | (writing ? EPOLLOUT.rawValue : 0)
        guard wanted != interest else { return }
        var event = unsafe epoll_event()
        unsafe event.events = wanted
        unsafe epoll_ctl(set, self.socket < 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event)
        self.socket = socket
        interest = wanted
    }

    /// Lets go of the socket, which may then be closed.
    func forget() {
        guard socket >= 0 else { return }
        var event = unsafe epoll_event()
        unsafe epoll_ctl(set, EPOLL_CTL_DEL, socket, &event)
        socket = -1
        interest = 0
    }
}
