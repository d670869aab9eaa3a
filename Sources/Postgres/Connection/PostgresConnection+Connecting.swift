internal import Dispatch
package import Logging

/// Why an attempt to connect goes on.
enum ConnectWake {
    /// The socket is ready.
    case ready
    /// The time is over.
    case late
    /// The calling task was cancelled.
    case cancelled
    /// The connection was closed.
    case closed
}

extension PostgresConnection {
    /// Connects to the first server of the configuration that accepts us.
    ///
    /// - Parameters:
    ///   - deadline: how long all of it may take. Each server gets at most `connect_timeout`, 3 seconds unless set otherwise.
    ///     Host names are resolved without a limit: that one step may take longer.
    ///   - logger: gets the server's notices and warnings, at debug level.
    ///   - accept: looks at the server within the time that is left; where it throws, the next server is tried.
    /// - Throws: code ``PostgresError/Code/connectFailed``, with the server's SQLSTATE if it refused.
    package static func connect(
        _ configuration: PostgresConfiguration, deadline: Duration, logger: Logger,
        accept: Acceptance = { (_, _) async throws(PostgresError) in }
    ) async throws(PostgresError) -> PostgresConnection {
        let end = ContinuousClock.now + deadline
        var failures: [PostgresError] = []
        var left = configuration.attempts
        while let next = left.first {
            left.removeFirst()
            // The addresses of a name are tried one by one: libpq would spend all of the time on the first.
            let addresses = await next.eachAddress(by: configuration.resolve)
            left = addresses.dropFirst() + left
            guard let attempt = addresses.first else { continue }
            // An equal share of the time, so that a server which stays silent leaves some for the others.
            let share = (end - .now) / (left.count + 1)
            let until = ContinuousClock.now + min(share, configuration.connectTimeout ?? share)
            let connection = PostgresConnection(configuration, place: attempt.place, logger: logger)
            do throws(PostgresError) {
                try await connection.establish(attempt, until: .after(until - .now))
                try await connection.beAccepted(accept, until: until)
                return connection
            } catch {
                failures.append(error.at(attempt.place))
                if error.code == .cancelled || end <= .now { break }
            }
        }
        throw ConnectFailure.all(failures)
    }

    /// Looks at a server that has let us in; throws where another one is wanted. It has as long as is given.
    package typealias Acceptance =
        @Sendable (_ connection: PostgresConnection, _ deadline: Duration) async throws(PostgresError) -> Void

    private nonisolated func beAccepted(
        _ accept: Acceptance, until: ContinuousClock.Instant
    ) async throws(PostgresError) {
        do throws(PostgresError) {
            try await accept(self, until - .now)
        } catch {
            await close()
            throw error
        }
    }

    private func establish(_ attempt: ConnectAttempt, until: Deadline) async throws(PostgresError) {
        do throws(PostgresError) {
            let wire = try Wire(attempt.options, queue: executor.queue, notices: NoticeLog(logger)) { [weak self] in
                self?.assumeIsolated { $0.ready() }
            }
            self.wire = wire
            connectUntil = until
            try await establish(wire)
            connectUntil = .never
            phase = .open
            wire.watch.watch(wire.handle.socket, reading: true, writing: false)
        } catch {
            close(error)
            throw error
        }
    }

    private func establish(_ wire: Wire) async throws(PostgresError) {
        // libpq manual, 34.1: before the first call of PQconnectPoll, act as if it had asked for writing.
        var step = wire.handle.isBad ? ConnectionHandle.ConnectStep.failed : .writing
        while step != .done {
            guard step != .failed else { throw ConnectFailure(wire.handle, configuration).error }
            wire.watch.watch(wire.handle.socket, reading: step == .reading, writing: step == .writing)
            switch await readiness() {
            case .ready: break
            case .late: throw PostgresError(.connectFailed, "no answer in time")
            case .cancelled: throw PostgresError(.cancelled, "cancelled while connecting")
            case .closed: throw PostgresError(.connectionClosed, "closed while connecting")
            }
            // PQconnectPoll may close this socket and open another one.
            wire.watch.forget()
            step = wire.handle.connectPoll()
        }
        guard wire.handle.becomeNonBlocking() else { throw wire.handle.lost() }
    }

    private func readiness() async -> ConnectWake {
        guard !Task.isCancelled else { return .cancelled }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                phase = .connecting(waiter: continuation)
                timer.cover(connectUntil)
            }
        } onCancel: {
            executor.queue.async { self.assumeIsolated { $0.wakeConnecting(.cancelled) } }
        }
    }

    func wakeConnecting(_ wake: ConnectWake) {
        guard case .connecting(let waiter?) = phase else { return }
        phase = .connecting(waiter: nil)
        waiter.resume(returning: wake)
    }

    func wakeConnectingIfLate() {
        if connectUntil.hasPassed { wakeConnecting(.late) }
    }

    func coverConnecting() {
        timer.cover(connectUntil)
    }
}
