internal import CLibCurl
internal import Dispatch
internal import Glibc
internal import Outbox
internal import Synchronization

/// One queue of the pool: a serial Dispatch queue, one libcurl multi handle, one epoll descriptor with all its sockets.
///
/// Everything but the inbox and the load is touched on `queue` only, which is what libcurl demands of a multi handle and its
/// easy handles; that is why the conformance to Sendable is unchecked. Dispatch watches the epoll descriptor alone: a
/// source for each socket costs more than libcurl's whole work on a request.
final class Courier: @unchecked Sendable {
    typealias Delivery = @Sendable ([CourierResult]) -> Void

    /// How many times a turn looks for further events before it lets the queue do other work.
    static let maximumRounds = 8

    let configuration: CourierConfiguration
    let judge: @Sendable (IPAddress) -> Bool
    /// Requests that were given to this courier and have no result yet.
    let load = Atomic(0)
    let queue: DispatchQueue
    let names: NameService
    private let deliver: Delivery
    private let inbox = Mutex<[any CourierRequest]>([])
    private let maximumInFlight: Int

    private var multi: MultiHandle?
    private var events: EventSet
    private var source: (any DispatchSourceRead)?
    private var timer: (any DispatchSourceTimer)?
    private var curlDeadline: ContinuousClock.Instant?
    private var armed: ContinuousClock.Instant?

    /// The number of the present turn: one piece of work on the queue.
    var turn: UInt64 = 0
    /// Requests that wait for a place, the next one at `waitingHead`.
    var waiting: [any CourierRequest] = []
    var waitingHead = 0
    /// Requests that wait for a name.
    var unresolved: [String: [PendingRequest]] = [:]
    var unresolvedCount = 0
    var unresolvedDeadline: ContinuousClock.Instant?
    var active: [Exchange] = []
    var shelf = Shelf()
    var results: [CourierResult] = []
    private(set) var isClosed = false
    private var onClosed: [@Sendable () -> Void] = []

    init?(
        number: Int, configuration: CourierConfiguration, names: NameService,
        judge: @escaping @Sendable (IPAddress) -> Bool, deliver: @escaping Delivery
    ) {
        guard let events = EventSet() else { return nil }
        self.events = events
        self.configuration = configuration
        self.names = names
        self.judge = judge
        self.deliver = deliver
        let share = max(1, configuration.couriers)
        maximumInFlight = max(1, (configuration.maximumInFlight + share - 1) / share)
        queue = DispatchQueue(label: "postrider.courier.\(number)")
        multi = unsafe MultiHandle(
            owner: Unmanaged.passUnretained(self).toOpaque(),
            maximumConnections: max(1, configuration.maximumConnections / share),
            onSocket: { _, socket, what, courier, _ in
                guard let courier = unsafe courier else { return 0 }
                unsafe Unmanaged<Courier>.fromOpaque(courier).takeUnretainedValue().curlWants(socket, what)
                return 0
            },
            onTimer: { _, milliseconds, courier in
                guard let courier = unsafe courier else { return 0 }
                unsafe Unmanaged<Courier>.fromOpaque(courier).takeUnretainedValue().curlWantsTime(milliseconds)
                return 0
            })
        guard multi != nil else { return nil }
    }

    /// Begins to watch the sockets. The courier lives until `close` has been called.
    func start() {
        let source = DispatchSource.makeReadSource(fileDescriptor: events.descriptor, queue: queue)
        source.setEventHandler { [self] in runTurn() }
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.setEventHandler { [self] in
            armed = nil
            runTurn()
        }
        source.setCancelHandler { [self] in tearDown() }
        self.source = source
        self.timer = timer
        source.activate()
        timer.activate()
    }

    /// Takes requests over, from any thread.
    func submit(_ requests: [any CourierRequest]) {
        load.add(requests.count, ordering: .relaxed)
        let wasEmpty = inbox.withLock { inbox in
            defer { inbox.append(contentsOf: requests) }
            return inbox.isEmpty
        }
        if wasEmpty { queue.async { [self] in runTurn() } }
    }

    /// Ends everything under way, from any thread. Each request still gets its result.
    func cancelAll() {
        queue.async { [self] in
            abandonAll()
            finishTurn()
        }
    }

    /// As `cancelAll`, and for good. `completion` is called when the last result has been delivered.
    func close(completion: @escaping @Sendable () -> Void) {
        queue.async { [self] in
            let alreadyClosed = source == nil
            if alreadyClosed { completion() } else { onClosed.append(completion) }
            guard !isClosed else { return }
            isClosed = true
            abandonAll()
            finishTurn()
            timer?.cancel()
            source?.cancel()
        }
    }

    private func tearDown() {
        shelf.removeAll()
        multi = nil
        source = nil
        timer = nil
        for completion in onClosed { completion() }
        onClosed = []
    }
}

// MARK: - One turn

extension Courier {
    /// Does all that there is to do without waiting, and hands the results on together.
    func runTurn() {
        turn &+= 1
        takeInbox()
        var rounds = 0
        var taken = 0
        repeat {
            rounds += 1
            taken = events.take()
            for index in 0..<taken { act(onEventAt: index) }
            actOnTime()
            collectFinished()
            startWaiting()
            actOnTime()
            collectFinished()
        } while taken == EventSet.batch && rounds < Self.maximumRounds
        endOverdueLookUps()
        finishTurn()
    }

    /// Hands results on and sets the timer.
    func finishTurn() {
        if !results.isEmpty {
            let batch = results
            results = []
            results.reserveCapacity(batch.count)
            load.subtract(batch.count, ordering: .relaxed)
            deliver(batch)
        }
        armTimer()
    }

    func takeInbox() {
        let arrived = inbox.withLock { inbox in
            let arrived = inbox
            inbox = []
            return arrived
        }
        guard !arrived.isEmpty else { return }
        if waitingHead == waiting.count {
            waiting = arrived
            waitingHead = 0
        } else {
            waiting.append(contentsOf: arrived)
        }
    }

    private func startWaiting() {
        while waitingHead < waiting.count, isClosed || active.count + unresolvedCount < maximumInFlight {
            let request = waiting[waitingHead]
            waitingHead += 1
            if isClosed { cancel(request) } else { begin(request) }
        }
        if waitingHead == waiting.count {
            waiting = []
            waitingHead = 0
        } else if waitingHead > 1024 {
            waiting.removeFirst(waitingHead)
            waitingHead = 0
        }
    }

    private func act(onEventAt index: Int) {
        switch events.event(at: index) {
        case .ready(let socket, let bits): multi?.act(on: socket, bits)
        case .disturbed(let socket): Self.makeUnusable(socket)
        case nil: break
        }
    }

    /// libcurl looks at a kept connection before it uses it, but takes one with bytes waiting for a good one: the next
    /// request would get an answer that was meant for nobody. Shut down and emptied, it is plainly dead.
    private static func makeUnusable(_ socket: Int32) {
        shutdown(socket, Int32(SHUT_RDWR))
        unsafe withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 1) { buffer in
            // No more can follow the shutdown than the socket's buffer held.
            for _ in 0..<1024 where unsafe recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) <= 0 {
                return
            }
        }
    }

    private func actOnTime() {
        var rounds = 0
        while let deadline = curlDeadline, deadline <= .now, rounds < Self.maximumRounds {
            curlDeadline = nil
            multi?.actOnTime()
            rounds += 1
        }
    }

    private func collectFinished() {
        while let (easy, code) = unsafe multi?.nextFinished() {
            var context: UnsafeMutablePointer<CChar>?
            unsafe courier_get_string(easy, CURLINFO_PRIVATE, &context)
            guard let context = unsafe context else { continue }
            let exchange = unsafe Unmanaged<Exchange>.fromOpaque(UnsafeRawPointer(context)).takeUnretainedValue()
            release(exchange, exchange.unload(code: code))
        }
    }

    /// Puts an exchange under way. False when libcurl would not take it.
    func add(_ exchange: Exchange) -> Bool {
        guard multi?.add(exchange.handle) == true else { return false }
        exchange.slot = active.count
        active.append(exchange)
        return true
    }

    /// Takes an exchange back and keeps its handle for another request.
    func release(_ exchange: Exchange, _ result: CourierResult?) {
        multi?.remove(exchange.handle)
        let last = active.removeLast()
        if last !== exchange {
            active[exchange.slot] = last
            last.slot = exchange.slot
        }
        exchange.lastTurn = turn
        shelf.put(exchange, maximum: configuration.maximumPrepared)
        if let result { results.append(result) }
    }
}

// MARK: - What libcurl asks for

extension Courier {
    fileprivate func curlWants(_ socket: Int32, _ what: Int32) {
        events.watch(
            socket, reading: what & CURL_POLL_IN != 0 && what != CURL_POLL_REMOVE,
            writing: what & CURL_POLL_OUT != 0 && what != CURL_POLL_REMOVE)
    }

    fileprivate func curlWantsTime(_ milliseconds: Int) {
        curlDeadline = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
    }

    func socketWasOpened(_ socket: Int32) {
        events.forget(socket)
    }

    func socketWillClose(_ socket: Int32) {
        events.forget(socket)
    }

    /// The timer is set anew only when it would be too late: one that comes too early does no harm.
    private func armTimer() {
        let deadline = [curlDeadline, unresolvedDeadline].compactMap(\.self).min()
        guard let deadline, !isClosed else { return }
        if let armed, armed <= deadline { return }
        armed = deadline
        timer?.schedule(deadline: .now() + max(deadline - .now, .zero).dispatchInterval, leeway: .milliseconds(1))
    }
}
