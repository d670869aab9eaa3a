import CCAres
import CLibCurl
import Glibc

/// A c-ares channel: some look-ups, and a socket or two for each name server while there is something to ask.
///
/// c-ares's rule: one thread at a time, and a channel is never destroyed from within one of its callbacks. Used on one
/// courier's queue only. c-ares 1.18 can end all questions of a channel, not a single one, and reads `/etc/resolv.conf` when
/// a channel is made; so a channel takes new look-ups for a moment only and goes when its last one is over.
@safe final class NameChannel {
    /// What c-ares's callback for sockets is called with. Outlives the channel.
    private final class SocketContext {
        let number: UInt64
        let sockets: NameSockets

        init(_ number: UInt64, _ sockets: NameSockets) {
            self.number = number
            self.sockets = sockets
        }
    }

    /// What c-ares's callback for answers is called with.
    private final class Question {
        let lookUp: LookUp
        let family: AddressFamily
        let patience: Duration

        init(_ lookUp: LookUp, _ family: AddressFamily, patience: Duration) {
            self.lookUp = lookUp
            self.family = family
            self.patience = patience
        }
    }

    let number: UInt64
    let opened: ContinuousClock.Instant
    /// How many look-ups were ever begun.
    private(set) var begun = 0
    /// The look-ups that are not over, the oldest first.
    private(set) var lookUps: [LookUp] = []
    /// When `proceed` is to be called next.
    private(set) var deadline: ContinuousClock.Instant?
    private let pointer: ares_channel
    private let limits: CourierConfiguration.Names
    private let context: SocketContext

    /// Nil when memory or the process's descriptors are out.
    init?(number: UInt64, limits: CourierConfiguration.Names, sockets: NameSockets, now: ContinuousClock.Instant) {
        CAresGlobal.setUp()
        let context = SocketContext(number, sockets)
        guard let pointer = unsafe Self.open(limits, context) else { return nil }
        self.number = number
        self.opened = now
        self.limits = limits
        self.context = context
        unsafe self.pointer = pointer
    }

    deinit {
        // Ends every question, each with a call of its callback, and closes the sockets.
        unsafe ares_destroy(pointer)
    }

    /// The settings but for those of `/etc/resolv.conf`, where c-ares takes its servers from.
    private static func open(_ limits: CourierConfiguration.Names, _ context: SocketContext) -> ares_channel? {
        var options = unsafe ares_options()
        // Neither search domains nor the variable HOSTALIASES turn a name from outside into another one.
        unsafe options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES
        unsafe options.timeout = Int32(clamping: EasyHandle.milliseconds(limits.serverTimeout))
        unsafe options.tries = Int32(clamping: max(1, limits.tries))
        unsafe options.udp_port = limits.port
        unsafe options.tcp_port = limits.port
        unsafe options.sock_state_cb = { context, socket, reading, writing in
            guard let context = unsafe context else { return }
            let known = unsafe Unmanaged<SocketContext>.fromOpaque(context).takeUnretainedValue()
            known.sockets.channel(known.number, wants: socket, reading: reading != 0, writing: writing != 0)
        }
        unsafe options.sock_state_cb_data = Unmanaged.passUnretained(context).toOpaque()
        let mask =
            ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT
            | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF
        var channel: ares_channel?
        // c-ares copies both texts. "b" is DNS alone: the hosts file has been looked at before.
        let status = unsafe "b".withCString { lookUps in
            unsafe limits.serversFile.withCString { path in
                unsafe options.lookups = UnsafeMutablePointer(mutating: lookUps)
                unsafe options.resolvconf_path = UnsafeMutablePointer(mutating: path)
                return unsafe ares_init_options(&channel, &options, mask)
            }
        }
        return unsafe status == ARES_SUCCESS ? channel : nil
    }

    /// Asks for both families of addresses. Its answers may be there at once, so call `takeEnded` afterwards.
    func begin(_ lookUp: LookUp) {
        begun += 1
        lookUps.append(lookUp)
        for family in [AddressFamily.v4, .v6] {
            let question = Question(lookUp, family, patience: limits.otherFamilyPatience)
            let context = unsafe Unmanaged.passRetained(question).toOpaque()
            // c-ares calls back exactly once for each question, when the channel is destroyed at the latest.
            let internet: Int32 = 1
            unsafe ares_query(
                pointer, lookUp.order.name, internet, family.recordType,
                { context, status, _, message, length in
                    guard let context = unsafe context else { return }
                    let question = unsafe Unmanaged<Question>.fromOpaque(context).takeRetainedValue()
                    let bytes = unsafe UnsafeRawBufferPointer(start: message, count: message == nil ? 0 : Int(length))
                    let answer = unsafe NameRecords.read(bytes, status: status, family: question.family)
                    question.lookUp.take(answer, for: question.family, now: .now, patience: question.patience)
                }, context)
        }
    }

    /// Does what is due by the clock, and takes from `socket` what is there.
    func proceed(_ socket: Int32? = nil, reading: Bool = false, writing: Bool = false) {
        let none: Int32 = -1
        unsafe ares_process_fd(pointer, reading ? socket ?? none : none, writing ? socket ?? none : none)
    }

    /// The look-ups that are over by now.
    func takeEnded(now: ContinuousClock.Instant) -> [LookUp] {
        let ended = lookUps.filter { $0.isOver(at: now) }
        if !ended.isEmpty { lookUps.removeAll { $0.isOver(at: now) } }
        deadline = ([lookUps.map(\.deadline).min(), nextTimeout(now: now)].compactMap(\.self)).min()
        return ended
    }

    /// When c-ares wants to ask again; nil when it waits for nothing.
    private func nextTimeout(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        var wait = timeval()
        guard unsafe ares_timeout(pointer, nil, &wait) != nil else { return nil }
        return now + .seconds(wait.tv_sec) + .microseconds(Int64(wait.tv_usec))
    }
}

/// The sockets of all channels of a courier, and whom to tell what c-ares wants to know about them.
final class NameSockets {
    private var channels: [Int32: UInt64] = [:]
    private let watch: (Int32, _ reading: Bool, _ writing: Bool) -> Void

    /// - Parameter watch: called when c-ares wants to know that a socket can be read from or written to; wanting neither
    ///   means that the socket is about to be closed.
    init(watch: @escaping (Int32, _ reading: Bool, _ writing: Bool) -> Void) {
        self.watch = watch
    }

    /// The number of the channel that has this socket.
    func channel(of socket: Int32) -> UInt64? { channels.isEmpty ? nil : channels[socket] }

    func channel(_ number: UInt64, wants socket: Int32, reading: Bool, writing: Bool) {
        channels[socket] = reading || writing ? number : nil
        watch(socket, reading, writing)
    }
}

/// c-ares's global state, set up once in a process and never torn down.
private enum CAresGlobal {
    private static let status = ares_library_init(ARES_LIB_INIT_ALL)

    /// Must be called before any other function of c-ares. Safe from any thread, because a `static let` runs once.
    static func setUp() {
        precondition(status == ARES_SUCCESS, "c-ares could not be set up")
    }
}
