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
    ///     libpq resolves host names without a limit: that one step may take longer.
    ///   - logger: gets the server's notices and warnings, at debug level.
    /// - Throws: code ``PostgresError/Code/connectFailed``, with the server's SQLSTATE if it refused.
    package static func connect(
        _ configuration: PostgresConfiguration, deadline: Duration, logger: Logger
    ) async throws(PostgresError) -> PostgresConnection {
        let end = Deadline.after(deadline)
        var failures: [PostgresError] = []
        for attempt in configuration.attempts {
            let connection = PostgresConnection(configuration, place: attempt.place, logger: logger)
            do throws(PostgresError) {
                try await connection.establish(
                    attempt, until: min(end, .after(configuration.connectTimeout ?? deadline)))
                return connection
            } catch {
                failures.append(error.at(attempt.place))
                if error.code == .cancelled || end.hasPassed { break }
            }
        }
        throw ConnectFailure.all(failures)
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
