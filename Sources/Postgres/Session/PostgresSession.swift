package import Logging
internal import Synchronization

/// What a ``PostgresSession`` tells its owner.
package enum PostgresSessionEvent: Sendable {
    /// A connection is there. `isReconnect`: after an earlier one was lost.
    case connected(isReconnect: Bool)
    /// An attempt to connect has failed. The next one comes after a wait, or not at all if the deadline is over.
    case connectFailed(PostgresError)
    /// The session gives up the connection because of this error.
    case disconnected(PostgresError)
}

/// What a service holds of the database: one connection, made when it is first needed and made again after failures.
///
/// A session belongs to one caller, which runs one statement at a time. Another task may only close it.
///
/// It never runs a statement twice: after an error the caller decides, by ``PostgresError/kind``. Only connecting is tried
/// again, with growing random waits, until the call's deadline.
package final class PostgresSession: Sendable {
    private enum State {
        /// There is no connection, and no call makes one. Then: connecting, closed.
        case idle
        /// A call makes the connection. Then: idle, connected, closed.
        case connecting
        /// Then: idle, connecting, closed.
        case connected(PostgresConnection)
        /// The session is over.
        case closed
    }

    private struct Inner {
        var state = State.idle
        /// Failures in a row, to connect or of a connection that had not answered yet.
        var failures = 0
        /// Whether there was a connection before.
        var hasConnected = false
        /// Whether the next call makes another connection, even if the present one is sound.
        var mustRenew = false
        /// Whether a statement that the server had kept was lost, or its name taken, so that nothing is kept any more.
        var losesStatements = false
    }

    private let configuration: PostgresConfiguration
    private let backoff: Backoff
    private let logger: Logger
    private let clock: any Clock<Duration>
    private let random: @Sendable () -> Double
    private let accept: PostgresConnection.Acceptance
    private let onEvent: @Sendable (PostgresSessionEvent) -> Void
    private let inner = Mutex(Inner())

    /// A session that connects when it is first used.
    ///
    /// - Parameters:
    ///   - clock: what the waits between attempts are measured with.
    ///   - random: a number from 0 up to 1.
    ///   - accept: looks at each server that lets us in.
    ///   - onEvent: is told of connections made and lost, for metrics and logs. Called without any lock held.
    package init(
        _ configuration: PostgresConfiguration, backoff: Backoff = Backoff(), logger: Logger,
        clock: any Clock<Duration> = ContinuousClock(),
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        accept: @escaping PostgresConnection.Acceptance = { (_, _) async throws(PostgresError) in },
        onEvent: @escaping @Sendable (PostgresSessionEvent) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.backoff = backoff
        self.logger = logger
        self.clock = clock
        self.random = random
        self.accept = accept
        self.onEvent = onEvent
    }

    /// Ends the session and its connection. The call in flight fails.
    package func close() async {
        let connection = inner.withLock { inner -> PostgresConnection? in
            defer { inner.state = .closed }
            return if case .connected(let connection) = inner.state { connection } else { nil }
        }
        await connection?.close()
    }

    /// Has the next call make another connection. A statement that runs is not disturbed.
    package func renew() {
        inner.withLock { $0.mustRenew = true }
    }

    /// Ends the connection; the next call makes another one.
    package func rest() async {
        let connection = inner.withLock { inner -> PostgresConnection? in
            guard case .connected(let connection) = inner.state else { return nil }
            inner.state = .idle
            return connection
        }
        await connection?.close()
    }

    /// A statement has worked: the server is well.
    func succeeded() {
        inner.withLock { $0.failures = 0 }
    }

    /// Forgets the connection if the error says that another one is needed.
    func judge(_ error: PostgresError, of connection: PostgresConnection) {
        guard error.kind == .reconnect || connection.isClosed else { return }
        // A pooler that we did not know for one: a name is missing, or taken.
        if error.sqlState == .invalidStatementName || error.sqlState == .duplicatePreparedStatement {
            inner.withLock { $0.losesStatements = true }
        }
        let isForgotten = inner.withLock { inner in
            guard case .connected(let held) = inner.state, held === connection else { return false }
            inner.state = .idle
            inner.failures += 1
            return true
        }
        guard isForgotten else { return }
        onEvent(.disconnected(error))
        connection.closeSoon()
    }
}

// MARK: - Connecting

extension PostgresSession {
    /// What a call has to do to get a connection.
    private enum Next {
        case use(PostgresConnection)
        case connect(isLost: Bool)
        case fail(PostgresError)
    }

    /// The connection; makes it if there is none.
    ///
    /// - Throws: code ``PostgresError/Code/tooManyWaiting`` while another call makes it.
    func connection(until end: ContinuousClock.Instant) async throws(PostgresError) -> PostgresConnection {
        let next = inner.withLock { inner -> Next in
            switch inner.state {
            case .connected(let connection) where inner.mustRenew:
                connection.closeSoon()
                inner.mustRenew = false
                inner.state = .connecting
                return .connect(isLost: false)
            case .connected(let connection) where !connection.isClosed:
                return .use(connection)
            case .connected:
                inner.state = .connecting
                inner.failures += 1
                return .connect(isLost: true)
            case .idle:
                inner.state = .connecting
                return .connect(isLost: false)
            case .connecting:
                return .fail(PostgresError(.tooManyWaiting, "another call of this session connects"))
            case .closed:
                return .fail(PostgresError(.connectionClosed, "the session is closed"))
            }
        }
        switch next {
        case .use(let connection): return connection
        case .fail(let error): throw error
        case .connect(let isLost):
            if isLost { onEvent(.disconnected(PostgresError(.connectionLost, "the idle connection has ended"))) }
            return try await connect(until: end)
        }
    }

    /// Connects, again and again until the deadline.
    private func connect(until end: ContinuousClock.Instant) async throws(PostgresError) -> PostgresConnection {
        var lastError: PostgresError?
        do throws(PostgresError) {
            while true {
                try await pause(until: end, lastError)
                do throws(PostgresError) {
                    return try await connectOnce(until: end)
                } catch {
                    lastError = error
                    inner.withLock { $0.failures += 1 }
                    onEvent(.connectFailed(error))
                    if error.kind == .configuration || error.code == .cancelled { throw error }
                }
            }
        } catch {
            finishConnecting(.idle)
            throw error
        }
    }

    private func connectOnce(until end: ContinuousClock.Instant) async throws(PostgresError) -> PostgresConnection {
        let connection = try await PostgresConnection.connect(
            configuration, deadline: end - .now, logger: logger, accept: accept)
        let (isReconnect, losesStatements) = inner.withLock { inner in
            defer { inner.hasConnected = true }
            return (inner.hasConnected, inner.losesStatements)
        }
        if losesStatements { connection.nameNothing() }
        guard finishConnecting(.connected(connection)) else {
            await connection.close()
            throw PostgresError(.connectionClosed, "the session is closed")
        }
        onEvent(.connected(isReconnect: isReconnect))
        return connection
    }

    /// Waits as the backoff says, but not beyond the deadline.
    private func pause(until end: ContinuousClock.Instant, _ lastError: PostgresError?) async throws(PostgresError) {
        let failures = inner.withLock(\.failures)
        let delay = backoff.delay(afterFailures: failures, random: random())
        guard ContinuousClock.now + delay < end else {
            throw lastError
                ?? PostgresError(
                    .deadlineExceeded, "no time is left to connect again", place: configuration.description)
        }
        var left = delay
        while left > .zero {
            // In slices, so that the caller of a session that is closed during the wait ends soon.
            let slice = min(left, Self.slice)
            do { try await clock.sleep(for: slice) } catch {
                throw PostgresError(.cancelled, "cancelled while waiting to connect again")
            }
            left -= slice
            if inner.withLock({ if case .closed = $0.state { true } else { false } }) {
                throw PostgresError(.connectionClosed, "the session is closed")
            }
        }
    }

    private static let slice = Duration.milliseconds(100)

    /// Leaves the state `connecting`; `false` where the session was closed during that.
    @discardableResult
    private func finishConnecting(_ state: State) -> Bool {
        inner.withLock { inner in
            guard case .connecting = inner.state else { return false }
            inner.state = state
            return true
        }
    }
}
