import CLibCurl
import Glibc
import Outbox

/// One easy handle, prepared for one route, and the request that it carries at the moment.
///
/// Belongs to one courier and is touched on its queue only, by libcurl's callbacks too. What libcurl does not copy (header
/// lists, body, addresses) is kept alive here for as long as the handle may look at it.
@safe final class Transfer {
    /// What has been seen of the request in flight.
    struct Progress {
        var end = TransferEnd(code: 0)
        var meter = AnswerMeter()
        /// Microseconds.
        var nameLookup: Int64 = 0
        /// The address that was dialled last, or that the connection leads to.
        var remoteAddress: IPAddress?
        var blockedAddress: IPAddress?
        var openedSocket = false
        /// The request went out over a connection that was there before.
        var reusedConnection = false
    }

    /// An endpoint is busy when no more than this is between two of its requests.
    private static let busyPause = Duration.seconds(1)

    /// Which the connections go through.
    var proxy: EgressProxy? { courier.configuration.proxy }

    let prepared: PreparedRoute
    let handle: EasyHandle
    let judge: @Sendable (IPAddress) -> Bool
    unowned let courier: Courier
    /// The request in flight; nil while the handle is free. Apart from its progress, which changes with each line of an
    /// answer: together in one optional value they would be copied as often.
    private(set) var pending: PendingRequest?
    var progress = Progress()
    /// The connection that libcurl last watched for it.
    var watched: Int32?
    /// Where this transfer stands among those in flight.
    var slot = 0
    /// The turn of the courier in which it was used last.
    var lastTurn: UInt64 = 0
    /// Whether libcurl was told to close the connection after the request.
    private var closesConnection = false
    private(set) var vetted: VettedAddresses?
    /// What libcurl reads while the request is in flight.
    private var body: RequestBody?
    private let headers = HeaderList()
    private var lines = HeaderLines()
    private var connectTo: TextList?
    private var resolve: TextList?
    private let errorText: UnsafeMutablePointer<CChar>

    /// Nil when memory is out or libcurl does not take the URL.
    init?(_ prepared: PreparedRoute, courier: Courier) {
        guard let handle = EasyHandle(), let url = prepared.url else { return nil }
        unsafe handle.set(CURLOPT_CURLU, pointer: UnsafeRawPointer(url.pointer))
        self.handle = handle
        self.prepared = prepared
        self.courier = courier
        judge = courier.judge
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        unsafe self.handle.set(CURLOPT_ERRORBUFFER, pointer: errorText)
        setFixedOptions(courier.configuration)
        setCallbacks()
    }

    deinit {
        unsafe errorText.deallocate()
    }

    /// Loads the handle with a request.
    ///
    /// - Parameter unneeded: entries of libcurl's cache of addresses that can go, in the notation of `CURLOPT_RESOLVE`.
    /// - Throws: when the request must not be sent. The handle is free then.
    func load(
        _ pending: PendingRequest, vetted: VettedAddresses, remaining: Duration, nameLookup: Int64, unixTime: Int64,
        unneeded: () -> [String]
    ) throws(RequestRefusal) {
        closeConnection(false)
        if self.vetted?.generation != vetted.generation { pin(vetted, unneeded: unneeded()) }
        let body = pending.request.body
        lines.removeAll()
        try pending.request.appendHeaders(atUnixTime: unixTime, to: &lines)
        guard lines.refusal == nil, prepared.route.fixedHeaders.refusal == nil else {
            throw RequestRefusal(.internalError, "a header of the request is not allowed")
        }
        unsafe handle.set(CURLOPT_HTTPHEADER, list: headers.load(lines, followedBy: prepared.fixedHeaders.first))
        // Each of them makes a POST of it.
        if prepared.route.method != .get {
            unsafe handle.set(CURLOPT_POSTFIELDS, pointer: body.start)
            handle.set(CURLOPT_POSTFIELDSIZE_LARGE, offset: body.count)
        }
        handle.set(CURLOPT_TIMEOUT_MS, milliseconds: remaining)
        self.pending = pending
        self.body = body
        watched = nil
        progress = Progress(nameLookup: nameLookup)
        progress.end.body.limit = pending.request.keptBytes
    }

    /// Gives the request up without a result.
    func drop() {
        pending = nil
        body = nil
    }

    /// The result of the request whose transfer ended with `code`. The handle is free afterwards.
    func unload(code: UInt32, now: ContinuousClock.Instant) -> CourierResult? {
        guard let pending else { return nil }
        defer { drop() }
        progress.end.code = code
        if proxy != nil, progress.end.head.isComplete { courier.proxyRecord.served() }
        if code != 0 {
            progress.end.osError = Int32(truncatingIfNeeded: handle.integer(CURLINFO_OS_ERRNO))
            progress.end.certificateError = handle.integer(CURLINFO_SSL_VERIFYRESULT)
            progress.end.text = unsafe String(cString: errorText)
            progress.end.hasOwnAuthorities = prepared.route.credentials?.authorities != nil
            progress.end.proxy = proxy.map { handle.end(of: $0, isWell: courier.proxyRecord.isWell()) }
            unsafe errorText.pointee = 0
        }
        return CourierResult(
            request: pending.request, startedAt: pending.begun, outcome: progress.end.outcome(),
            remoteAddress: progress.remoteAddress, blockedAddress: progress.blockedAddress,
            timings: timings(pending, now))
    }

    /// The request, if its transfer ended because no socket could be made. The handle is free then.
    func takeRequestLackingSocket() -> (any CourierRequest)? {
        guard case .noSocket = progress.end.stop, !progress.end.wasSent, let pending else { return nil }
        drop()
        return pending.request
    }

    /// The result of the request when the pool gives its transfer up.
    func abandon() -> CourierResult? {
        guard let pending else { return nil }
        defer { drop() }
        return CourierResult(
            request: pending.request, startedAt: pending.begun,
            outcome: progress.end.wasSent ? .interrupted : .notSent(.cancelled),
            remoteAddress: progress.remoteAddress, timings: timings(pending, .now))
    }

    private func timings(_ pending: PendingRequest, _ now: ContinuousClock.Instant) -> CourierTimings {
        var timings = CourierTimings()
        timings.nameLookup = progress.nameLookup
        let ready = handle.microseconds(CURLINFO_PRETRANSFER_TIME_T)
        if progress.openedSocket {
            let connected = handle.microseconds(CURLINFO_CONNECT_TIME_T)
            timings.connect = max(0, connected - handle.microseconds(CURLINFO_NAMELOOKUP_TIME_T))
            timings.tls = max(0, handle.microseconds(CURLINFO_APPCONNECT_TIME_T) - connected)
        }
        timings.firstByte = max(0, handle.microseconds(CURLINFO_STARTTRANSFER_TIME_T) - ready)
        timings.total = (now - pending.begun).microseconds
        timings.reusedConnection = progress.reusedConnection
        return timings
    }

    /// Makes further connections go to these addresses and no others.
    private func pin(_ vetted: VettedAddresses, unneeded: [String]) {
        if let proxy { return pin(vetted, of: proxy, unneeded: unneeded) }
        let alias = prepared.alias(of: vetted.generation)
        let port = prepared.route.port
        let addresses = vetted.text
        let resolve = TextList(unneeded + ["\(alias):\(port):\(addresses)"])
        let connectTo = TextList(["::\(alias):\(port)"])
        unsafe handle.set(CURLOPT_RESOLVE, list: resolve.first)
        unsafe handle.set(CURLOPT_CONNECT_TO, list: connectTo.first)
        self.vetted = vetted
        self.resolve = resolve
        self.connectTo = connectTo
    }

    /// Makes further connections go to these addresses of the proxy. Its own name stays, since its certificate is for that; so endpoints with
    /// one host, and the same of TLS, may share a connection through it.
    private func pin(_ vetted: VettedAddresses, of proxy: EgressProxy, unneeded: [String]) {
        self.vetted = vetted
        guard case .name(let name) = proxy.host else { return }
        let resolve = TextList(unneeded + ["\(name):\(proxy.port):\(vetted.text)"])
        unsafe handle.set(CURLOPT_RESOLVE, list: resolve.first)
        self.resolve = resolve
    }

    /// Has the connection that was just opened closed after its request, when there are too many and the endpoint is not busy.
    /// Kept ones that are closed to make room cost more: libcurl looks through all of them for the oldest, each time.
    func keepConnectionIfWorthwhile() {
        guard courier.sockets > courier.mostKept else { return }
        let isBusy = prepared.endedAt.map { .now - $0 <= Self.busyPause } ?? false
        closeConnection(!isBusy)
    }

    private func closeConnection(_ closes: Bool) {
        guard closes != closesConnection else { return }
        handle.set(CURLOPT_FORBID_REUSE, closes ? 1 : 0)
        closesConnection = closes
    }

    private func setFixedOptions(_ configuration: CourierConfiguration) {
        let route = prepared.route
        handle.set(route.method == .get ? CURLOPT_HTTPGET : CURLOPT_POST, 1)
        // Its body and everything else stay those of a POST.
        if ![.post, .get].contains(route.method) { handle.set(CURLOPT_CUSTOMREQUEST, route.method.rawValue) }
        handle.setCommonOptions(trustedRootsFile: configuration.trustedRootsFile, route.credentials, proxy: proxy)
        handle.set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        handle.set(CURLOPT_FOLLOWLOCATION, 0)
        handle.set(CURLOPT_TCP_NODELAY, 1)
        handle.set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        handle.set(CURLOPT_HTTP09_ALLOWED, 0)
        handle.set(CURLOPT_HTTP_CONTENT_DECODING, 0)
        handle.set(CURLOPT_SSL_ENABLE_ALPN, 1)
        handle.set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds: route.connectTimeout)
        handle.set(CURLOPT_MAXAGE_CONN, seconds: configuration.idleConnectionAge)
        handle.set(CURLOPT_MAXLIFETIME_CONN, seconds: configuration.connectionLifetime)
        // Entries come and go by CURLOPT_RESOLVE alone; without this libcurl would look for old ones after every transfer.
        handle.set(CURLOPT_DNS_CACHE_TIMEOUT, -1)
        handle.set(CURLOPT_BUFFERSIZE, 8 * 1024)
    }
}

/// A request that a courier has taken up and whose transfer has not begun.
struct PendingRequest {
    let request: any CourierRequest
    let begun: ContinuousClock.Instant

    /// When the whole transfer must have ended, the look-up of the name included.
    var deadline: ContinuousClock.Instant { begun + request.route.timeout }

    /// The result of a request that ended here.
    func result(_ outcome: CourierOutcome, blocked: IPAddress? = nil) -> CourierResult {
        var timings = CourierTimings()
        timings.total = (ContinuousClock.now - begun).microseconds
        return CourierResult(
            request: request, startedAt: begun, outcome: outcome, remoteAddress: nil, blockedAddress: blocked,
            timings: timings)
    }
}
