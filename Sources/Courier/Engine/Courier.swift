import CLibCurl
import Dispatch
import Glibc
import Outbox
import Synchronization

/// One queue of the pool: a serial Dispatch queue, one libcurl multi handle, one epoll descriptor with all its sockets.
///
/// Everything but the inbox and the counts is touched on `queue` only, which is what libcurl demands of a multi handle and its
/// easy handles; that is why the conformance to Sendable is unchecked. Dispatch watches the epoll descriptor alone: a
/// source for each socket costs more than all the work of libcurl on a request.
final class Courier: @unchecked Sendable {
    typealias Delivery = @Sendable ([CourierResult]) -> Void

    /// How many times a turn looks for further events before it lets the queue do other work.
    static let maximumRounds = 8
    /// How many requests it begins before it looks at the time.
    static let startsBetweenLooks = 8

    let configuration: CourierConfiguration
    let judge: @Sendable (IPAddress) -> Bool
    /// Requests that were given to this courier and have no result yet.
    let load = Atomic(0)
    /// Those of them that have not begun.
    let queued = Atomic(0)
    let queue: DispatchQueue
    let names: NameService
    let proxyRecord: ProxyRecord
    let deliver: Delivery
    let inbox = Mutex<[any CourierRequest]>([])
    var limit: InFlightLimit

    var multi: MultiHandle?
    var events: EventSet
    /// The look-ups of names that run here, until the courier is closed.
    private(set) var lookUps: NameLookUps?
    private var source: (any DispatchSourceRead)?
    var timer: (any DispatchSourceTimer)?
    var curlDeadline: ContinuousClock.Instant?
    var armed: ContinuousClock.Instant?
    /// How often libcurl was called to read and to write.
    var libraryCalls: UInt64 = 0

    /// The number of the present turn: one piece of work on the queue.
    var turn: UInt64 = 0
    /// Requests that wait for a place.
    var waiting = StartQueue()
    /// Requests that wait for a name.
    var unresolved: [String: [PendingRequest]] = [:]
    var unresolvedCount = 0
    var unresolvedDeadline: ContinuousClock.Instant?
    var active: [Transfer] = []
    /// Sockets of connections, busy and idle, and from how many on a new connection is kept only for a busy endpoint.
    var sockets = 0
    let mostKept: Int
    var shelf = Shelf()
    var results: [CourierResult] = []
    private(set) var isClosed = false
    private var onClosed: [@Sendable () -> Void] = []

    init?(
        number: Int, configuration: CourierConfiguration, names: NameService, proxyRecord: ProxyRecord,
        judge: @escaping @Sendable (IPAddress) -> Bool, deliver: @escaping Delivery
    ) {
        guard let events = EventSet() else { return nil }
        self.events = events
        self.configuration = configuration
        self.names = names
        self.proxyRecord = proxyRecord
        self.judge = judge
        self.deliver = deliver
        let share = max(1, configuration.couriers)
        let connections = max(1, configuration.maximumConnections / share)
        mostKept = connections - connections / 4
        limit = InFlightLimit(maximum: (max(1, configuration.maximumInFlight) - 1) / share + 1)
        // Couriers share as many threads as there are cores: a queue without a target gets a thread whenever it is busy.
        queue = DispatchQueue(label: "postrider.courier.\(number)", target: .global())
        multi = unsafe MultiHandle(
            owner: Unmanaged.passUnretained(self).toOpaque(),
            maximumIdle: mostKept, maximumConnections: max(connections, limit.maximum),
            onSocket: { easy, socket, what, courier, _ in
                guard let courier = unsafe courier else { return 0 }
                unsafe Unmanaged<Courier>.fromOpaque(courier).takeUnretainedValue().curlWants(easy, socket, what)
                return 0
            },
            onTimer: { _, milliseconds, courier in
                guard let courier = unsafe courier else { return 0 }
                unsafe Unmanaged<Courier>.fromOpaque(courier).takeUnretainedValue().curlWantsTime(milliseconds)
                return 0
            })
        guard multi != nil else { return nil }
        lookUps = NameLookUps(names: names, limits: configuration.names, share: share) {
            [unowned self] socket, reading, writing in
            if reading || writing {
                self.events.watch(socket, reading: reading, writing: writing)
            } else {
                self.events.forget(socket)
            }
        }
    }

    /// Begins to watch the sockets. The courier lives until `close` is called.
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

    /// From any thread.
    func submit(_ requests: [any CourierRequest]) {
        load.add(requests.count, ordering: .relaxed)
        queued.add(requests.count, ordering: .relaxed)
        let wasEmpty = inbox.withLock { inbox in
            defer { inbox.append(contentsOf: requests) }
            return inbox.isEmpty
        }
        if wasEmpty { queue.async { [self] in runTurn() } }
    }

    /// Ends all requests, from any thread. Each still gets its result.
    func cancelAll() {
        queue.async { [self] in
            abandonAll()
            finishTurn()
        }
    }

    /// As `cancelAll`, for good. Calls `completion` when the last result has been delivered.
    func close(completion: @escaping @Sendable () -> Void) {
        queue.async { [self] in
            let alreadyClosed = source == nil
            if alreadyClosed { completion() } else { onClosed.append(completion) }
            guard !isClosed else { return }
            isClosed = true
            abandonAll()
            lookUps?.abandonAll()
            lookUps = nil
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
