internal import Synchronization

extension PostgresSession {
    /// A statement has worked: the server is well.
    func succeeded() {
        inner.withLock { $0.failures = 0 }
    }

    /// Forgets the connection if the error says that another one is needed.
    func judge(_ error: PostgresError, of connection: PostgresConnection) {
        guard error.kind == .reconnect || connection.isClosed else { return }
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

    /// What a caller has to do to get a connection.
    private enum Next {
        case use(PostgresConnection)
        case connect
        case wait
        case fail
    }

    private func next() -> (next: Next, lost: Bool) {
        inner.withLock { inner in
            switch inner.state {
            case .connected(let connection) where !connection.isClosed:
                return (.use(connection), false)
            case .connected:
                inner.state = .connecting
                inner.failures += 1
                return (.connect, true)
            case .idle:
                inner.state = .connecting
                return (.connect, false)
            case .connecting:
                return (.wait, false)
            case .closed:
                return (.fail, false)
            }
        }
    }

    /// The connection; makes it, or waits for whoever does.
    func connection(until end: ContinuousClock.Instant) async throws(PostgresError) -> PostgresConnection {
        while true {
            let (next, isLost) = next()
            if isLost { onEvent(.disconnected(PostgresError(.connectionLost, "the idle connection has ended"))) }
            switch next {
            case .use(let connection): return connection
            case .connect: return try await connect(until: end)
            case .wait: try await waitForConnection(until: end)
            case .fail: throw PostgresError(.connectionClosed, "the session is closed")
            }
        }
    }

    /// Connects, again and again until the deadline; the others wait meanwhile.
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
            release(.idle)
            throw error
        }
    }

    private func connectOnce(until end: ContinuousClock.Instant) async throws(PostgresError) -> PostgresConnection {
        let connection = try await PostgresConnection.connect(
            configuration, deadline: end - .now, logger: logger, onNotification: onNotification)
        do throws(PostgresError) {
            try await onConnect?(connection)
        } catch {
            await connection.close()
            throw error
        }
        let isReconnect = inner.withLock { inner in
            defer { inner.hasConnected = true }
            return inner.hasConnected
        }
        guard release(.connected(connection)) else {
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
            // In slices, so that a session that is closed meanwhile does not keep anybody.
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

    /// Ends connecting and lets the others look again.
    @discardableResult
    private func release(_ state: State) -> Bool {
        let (isOpen, waiters) = inner.withLock { inner in
            guard case .connecting = inner.state else { return (false, inner.takeWaiters()) }
            inner.state = state
            return (true, inner.takeWaiters())
        }
        for waiter in waiters { waiter.resume() }
        return isOpen
    }

    /// Waits until whoever connects has done so or failed.
    private func waitForConnection(until end: ContinuousClock.Instant) async throws(PostgresError) {
        let ticket = inner.withLock { inner in
            defer { inner.nextWaiter += 1 }
            return inner.nextWaiter
        }
        await withTaskGroup { group in
            group.addTask {
                try? await Task.sleep(until: end, clock: .continuous)
                self.wake(ticket)
            }
            await withCheckedContinuation { continuation in
                let isConnecting = inner.withLock { inner in
                    guard case .connecting = inner.state, inner.expired.remove(ticket) == nil else { return false }
                    inner.waiters[ticket] = continuation
                    return true
                }
                if !isConnecting { continuation.resume() }
            }
            group.cancelAll()
        }
        inner.withLock { _ = $0.expired.remove(ticket) }
        if Task.isCancelled { throw PostgresError(.cancelled, "cancelled while waiting for a connection") }
        guard ContinuousClock.now < end else {
            throw PostgresError(.deadlineExceeded, "no connection in time", place: configuration.description)
        }
    }

    private func wake(_ ticket: Int) {
        let waiter = inner.withLock { inner in
            let waiter = inner.waiters.removeValue(forKey: ticket)
            if waiter == nil { inner.expired.insert(ticket) }
            return waiter
        }
        waiter?.resume()
    }
}
