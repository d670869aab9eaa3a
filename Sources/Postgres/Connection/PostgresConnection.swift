internal import Dispatch
internal import Logging
internal import Synchronization

/// One connection to a PostgreSQL server.
///
/// Calls from several tasks queue up and are answered in order. Every call has a deadline; when that passes, or when the
/// calling task is cancelled, the server is asked to cancel the statement, and a connection that does not come back is closed.
/// A closed connection stays closed: ``PostgresSession`` makes new ones.
///
/// No thread waits for the server: libpq is used in its non-blocking mode and `DispatchSource` says when its socket is
/// ready. The one thing that blocks is libpq resolving a host name, and it does so on this connection's own queue.
///
/// The actor runs on that queue, which is what libpq demands: one thread at a time for a `PGconn`.
package actor PostgresConnection {
    enum Phase {
        /// libpq connects. Then: open, closed.
        case connecting(waiter: CheckedContinuation<ConnectWake, Never>?)
        /// Statements can be run. Then: closed.
        case open
        /// It is over, for this reason.
        case closed(PostgresError)
    }

    /// Which database this is, for people.
    package nonisolated let place: String
    nonisolated let executor: QueueExecutor
    nonisolated let closedFlag = Atomic(false)
    /// Whether each statement says that its transaction is read committed.
    nonisolated let saysReadCommitted = Atomic(false)
    /// Whether no statement gets a name.
    nonisolated let namesNothing = Atomic(false)
    let configuration: PostgresConfiguration
    let logger: Logger

    var phase = Phase.connecting(waiter: nil)
    var wire: Wire?
    private(set) lazy var timer = DeadlineTimer(queue: executor.queue) { [weak self] in
        self?.assumeIsolated { $0.timeCame() }
    }

    /// Until when it must be connected.
    var connectUntil = Deadline.never

    /// What the server works on.
    var current: Exchange?
    /// What comes next, in order.
    var waiting = FIFO<Exchange>()
    /// The transaction that has the connection for itself, and what comes next in it.
    var holder: TransactionTicket?
    var waitingInTransaction = FIFO<Exchange>()
    /// Until when a cancel request must have reached the server. Until it has, nothing new is sent: it would be cancelled instead.
    var cancelOutstanding: Deadline?
    private var parameters = PostgresParameters()
    /// How often something was sent and an answer waited for: tests count it.
    package private(set) var roundTrips = 0

    init(_ configuration: PostgresConfiguration, place: String, logger: Logger) {
        self.configuration = configuration
        self.place = place
        self.logger = logger
        self.executor = QueueExecutor(label: "postgres.connection")
    }

    isolated deinit {
        wire = nil
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Whether it has ended. An idle connection notices on its own that the server has hung up.
    package nonisolated var isClosed: Bool { closedFlag.load(ordering: .acquiring) }

    /// From now on each statement that is run says that its transaction is read committed. For a database with another default:
    /// a pooler hands our transactions to any of its connections, so the session's own default cannot be set.
    package nonisolated func sayReadCommitted() { saysReadCommitted.store(true, ordering: .releasing) }

    /// From now on the server keeps no further statement: a pooler that we did not know for one has lost what it kept.
    nonisolated func nameNothing() { namesNothing.store(true, ordering: .releasing) }

    /// Ends the connection. Calls in flight fail.
    package func close() {
        close(PostgresError(.connectionClosed, "the connection was closed"))
    }

    /// Ends the connection without waiting for that.
    nonisolated func closeSoon() {
        executor.queue.async { self.assumeIsolated { $0.close() } }
    }
}

extension PostgresConnection {
    /// Takes an exchange into the queue.
    func submit(_ exchange: Exchange) {
        if case .closed(let why) = phase { return exchange.finish(.closedBefore(why)) }
        guard !exchange.isUnwanted else {
            return exchange.finish(PostgresError(.cancelled, "cancelled before anything was sent"))
        }
        guard !exchange.deadline.hasPassed || exchange.role.isEnd else { return exchange.finish(.overdueBeforeSent) }
        switch exchange.role {
        case .none, .begins:
            guard waiting.count < configuration.waitingLimit else {
                return exchange.finish(PostgresError(.tooManyWaiting, "\(waiting.count) calls wait for the connection"))
            }
            waiting.append(exchange)
        case .within(let ticket), .ends(let ticket):
            guard ticket === holder else {
                return exchange.finish(PostgresError(.connectionClosed, "the transaction is over"))
            }
            waitingInTransaction.append(exchange)
        }
        exchange.stage = .waiting
        timer.cover(exchange.deadline)
        sendNext()
    }

    /// Sends what comes next, if the server is free.
    func sendNext() {
        while current == nil, cancelOutstanding == nil, case .open = phase {
            guard let next = holder == nil ? waiting.popFirst() : waitingInTransaction.popFirst() else { return }
            if case .begins(let ticket) = next.role { holder = ticket }
            send(next)
        }
    }

    private func send(_ exchange: Exchange) {
        guard let wire else { return }
        current = exchange
        exchange.stage = .sent
        roundTrips += 1
        parameters.removeAll()
        do throws(PostgresError) {
            try exchange.send(on: wire.handle, using: &parameters)
        } catch {
            exchange.fail(error)
            guard error.code == .invalidParameter else { return close(error) }
            return conclude(exchange)
        }
        if !wire.flush() { receive() }
    }

    /// The socket is ready.
    func ready() {
        switch phase {
        case .connecting: wakeConnecting(.ready)
        case .open: receive()
        case .closed: break
        }
    }

    /// Reads what has arrived and what it completes.
    private func receive() {
        guard let wire else { return }
        guard wire.flush(), wire.handle.consumeInput() else { return broken(wire) }
        readResults(wire)
    }

    private func readResults(_ wire: Wire) {
        while let exchange = current, self.wire === wire, !wire.handle.isBusy {
            let isOver: Bool
            if let result = wire.handle.nextResult() {
                isOver = exchange.take(result)
            } else {
                isOver = exchange.statementEnded()
                if !isOver && wire.handle.isBad { return broken(wire) }
            }
            if isOver { conclude(exchange) }
        }
    }

    /// An exchange has all its results.
    private func conclude(_ exchange: Exchange) {
        guard let wire else { return }
        current = nil
        if exchange.endsConnection || !wire.handle.leavePipeline() {
            let outcome = exchange.outcome
            // Closed first: the caller sees that when it gets its answer.
            close(exchange.failure ?? wire.handle.lost())
            return exchange.finish(outcome)
        }
        switch exchange.role {
        case .begins where exchange.failure != nil, .ends: holder = nil
        default: break
        }
        let outcome = exchange.outcome
        if holder == nil && wire.handle.isInTransaction {
            leaveTransaction(after: exchange)
        }
        exchange.finish(outcome)
        sendNext()
    }

    /// Ends a transaction that no caller would end: one that was begun by a statement or a script and left open.
    private func leaveTransaction(after exchange: Exchange) {
        guard !(exchange is RollbackExchange) else {
            return close(PostgresError(.connectionClosed, "a transaction could not be ended"))
        }
        let rollback = RollbackExchange(deadline: .after(configuration.cancelGrace))
        timer.cover(rollback.deadline)
        send(rollback)
    }

    /// libpq has given the connection up. It may still hold what the server said last.
    private func broken(_ wire: Wire) {
        let complaint = wire.handle.lost()
        if let exchange = current {
            var remaining = Self.resultsAfterBreak
            while remaining > 0, let result = wire.handle.nextResult() {
                _ = exchange.take(result)
                remaining -= 1
            }
        }
        close(current?.failure ?? complaint)
    }

    /// The most results that are still read from a broken connection.
    private static let resultsAfterBreak = 16

    func close(_ why: PostgresError) {
        if case .closed = phase { return }
        if case .connecting = phase { wakeConnecting(.closed) }
        phase = .closed(why)
        closedFlag.store(true, ordering: .releasing)
        wire = nil
        holder = nil
        cancelOutstanding = nil
        if let exchange = current {
            current = nil
            exchange.finish(exchange.outcome(onClose: why))
        }
        for exchange in waiting.remove(where: { _ in true }) + waitingInTransaction.remove(where: { _ in true }) {
            exchange.finish(.closedBefore(why))
        }
    }
}

/// Runs an actor on a Dispatch queue of its own, where libpq may take its time, apart from Swift's few shared threads.
final class QueueExecutor: SerialExecutor {
    let queue: DispatchQueue

    init(label: String) {
        // Without a target each busy connection would get a thread; threads stay, and a loaded machine makes one a wake-up.
        queue = DispatchQueue(label: label, target: .global())
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = unsafe asUnownedSerialExecutor()
        queue.async { unsafe job.runSynchronously(on: executor) }
    }

    func checkIsolated() {
        dispatchPrecondition(condition: .onQueue(queue))
    }
}
