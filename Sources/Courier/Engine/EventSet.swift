import CLibCurl
import Glibc

/// The sockets of one courier in one epoll descriptor, see epoll(7).
///
/// libcurl stops watching a socket after each answer and watches it again for the next request. Here a socket stays in the
/// epoll set in between, so that a request over a kept connection costs no call of epoll_ctl. Used on one courier's queue
/// only.
@safe struct EventSet: ~Copyable {
    /// What libcurl wants to know about a socket.
    private struct Interest {
        /// What libcurl wants now, bits of `EPOLLIN` and `EPOLLOUT`; 0 while the connection is idle.
        var wanted: UInt32 = 0
        /// What the epoll set holds; 0 when the socket is not in it.
        var registered: UInt32 = 0
        /// Tells the socket from those that had the same number before.
        var generation: UInt32 = 0
    }

    enum Event {
        /// What libcurl waits for has happened; the bits are `CURL_CSELECT_…`.
        case ready(Int32, Int32)
        /// The server closed an idle connection, or sent bytes over it that answer no request.
        case disturbed(Int32)
    }

    /// How many events are taken at once.
    static let batch = 256

    let descriptor: Int32
    private var interests: [Interest] = []
    private let buffer: UnsafeMutableBufferPointer<epoll_event>
    private var buffered = 0

    init?() {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { return nil }
        unsafe buffer = .allocate(capacity: Self.batch)
        unsafe buffer.initialize(repeating: epoll_event())
    }

    deinit {
        unsafe buffer.deallocate()
        close(descriptor)
    }

    /// A new socket got this number, or lost it. The kernel takes a closed socket out of the set by itself.
    mutating func forget(_ socket: Int32) {
        guard let index = slot(socket) else { return }
        let generation = interests[index].generation &+ 1
        interests[index] = Interest(generation: generation)
    }

    /// libcurl wants to know when `socket` can be read from or written to; neither means that it is idle.
    mutating func watch(_ socket: Int32, reading: Bool, writing: Bool) {
        guard let index = slot(socket) else { return }
        let wanted = (reading ? EPOLLIN.rawValue : 0) | (writing ? EPOLLOUT.rawValue : 0)
        interests[index].wanted = wanted
        guard wanted != 0, wanted != interests[index].registered else { return }
        let operation = interests[index].registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD
        var event = unsafe epoll_event()
        unsafe event.events = wanted
        unsafe event.data.u64 = UInt64(interests[index].generation) << 32 | UInt64(UInt32(bitPattern: socket))
        // Fails only when memory or the user's limit on watches is out: the transfer then ends at its deadline.
        if unsafe epoll_ctl(descriptor, operation, socket, &event) == 0 { interests[index].registered = wanted }
    }

    /// Takes the events that are there, without waiting; returns how many.
    mutating func take() -> Int {
        buffered = Int(max(0, unsafe epoll_wait(descriptor, buffer.baseAddress, Int32(Self.batch), 0)))
        return buffered
    }

    /// The event at `index` of those taken; nil when its socket has been closed since.
    mutating func event(at index: Int) -> Event? {
        precondition(index < buffered)
        let event = unsafe buffer[index]
        let mark = unsafe event.data.u64
        let happened = unsafe event.events
        let socket = Int32(truncatingIfNeeded: mark)
        guard let slot = slot(socket), interests[slot].generation == UInt32(mark >> 32) else { return nil }
        guard interests[slot].wanted != 0 else {
            var unused = unsafe epoll_event()
            unsafe epoll_ctl(descriptor, EPOLL_CTL_DEL, socket, &unused)
            interests[slot].registered = 0
            return .disturbed(socket)
        }
        var bits: Int32 = 0
        if happened & (EPOLLIN.rawValue | EPOLLHUP.rawValue) != 0 { bits |= CURL_CSELECT_IN }
        if happened & EPOLLOUT.rawValue != 0 { bits |= CURL_CSELECT_OUT }
        if happened & EPOLLERR.rawValue != 0 { bits |= CURL_CSELECT_ERR }
        return .ready(socket, bits)
    }

    private mutating func slot(_ socket: Int32) -> Int? {
        guard let index = Int(exactly: socket), index >= 0 else { return nil }
        if index >= interests.count {
            interests.append(contentsOf: repeatElement(Interest(), count: index + 64 - interests.count))
        }
        return index
    }
}
