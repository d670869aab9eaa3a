import Logging
import OutboxStore
import Postgres
import Synchronization
import Telemetry

/// Sees to it that all connections of a worker lead to one server, by ``ServerAgreement``.
///
/// Each new connection is looked at before it is used: one to a server that the worker has left is closed, and the next host is
/// tried. When one has found a newer server, the others are made again before their next statement.
final class ServerWatch: Sendable {
    private struct Inner {
        var agreement = ServerAgreement()
        var sessions: [String: PostgresSession] = [:]
        /// Whether a connection was found whose default is not read committed. Behind a pooler others may differ: it counts for all.
        var saysReadCommitted = false
        /// The loops that found only a server which this worker has left.
        var refused: Set<String> = []
    }

    private let state: WorkerState
    private let health: HealthState
    private let log: Logger
    private let inner = Mutex(Inner())

    init(state: WorkerState, health: HealthState, log: Logger) {
        self.state = state
        self.health = health
        self.log = log
    }

    /// From now on `session`, of the loop `purpose`, follows the others.
    func add(_ session: PostgresSession, of purpose: String) {
        inner.withLock { $0.sessions[purpose] = session }
    }

    /// Looks at a new connection.
    func accept(
        _ connection: PostgresConnection, of purpose: String, deadline: Duration
    ) async throws(PostgresError) {
        let greeting: Greeting?
        do throws(PostgresError) {
            greeting = try await connection.run(Greeting.query, deadline: deadline).first
        } catch {
            // Some hosted servers refuse to say who they are; that must not keep a worker from working.
            guard error.code == .server else { throw error }
            greeting = nil
        }
        note(isReadCommitted: greeting?.isReadCommitted == true, for: purpose)
        if inner.withLock(\.saysReadCommitted) { connection.sayReadCommitted() }
        if let server = greeting?.server { try judge(server, for: purpose) }
    }

    /// Looks again at a connection that is used already: a pooler may have gone to another server behind it, a standby may have
    /// been promoted.
    ///
    /// - Throws: when the worker has left this server.
    func check(_ greeting: Greeting, for purpose: String) throws(PostgresError) {
        note(isReadCommitted: greeting.isReadCommitted, for: nil)
        try judge(greeting.server, for: purpose)
    }

    private func note(isReadCommitted: Bool, for purpose: String?) {
        guard !isReadCommitted else { return }
        let others = inner.withLock { inner -> [PostgresSession] in
            guard !inner.saysReadCommitted else { return [] }
            inner.saysReadCommitted = true
            return inner.sessions.filter { $0.key != purpose }.map(\.value)
        }
        for session in others { session.renew() }
    }

    /// - Throws: when the worker has left this server.
    func judge(_ server: ServerIdentity, for purpose: String) throws(PostgresError) {
        let (verdict, others, refused) = inner.withLock { inner in
            let verdict = inner.agreement.judge(server)
            if verdict == .refused { inner.refused.insert(purpose) } else { inner.refused.remove(purpose) }
            let others = inner.sessions.filter { $0.key != purpose }.map(\.value)
            return (verdict, others, inner.refused)
        }
        health.set(.databaseLeft, !refused.isEmpty)
        // The claimer itself goes on trying; it must not wait for what it alone would find. The shaper has given back what it could
        // not ask about, and tries again with what is claimed next: without claims it never would.
        state.found(leftServer: refused.contains { $0 != Claimer.loop && $0 != Shaper.loop })
        switch verdict {
        case .agreed: return
        case .moved:
            for session in others { session.renew() }
            log.log(.notice, "the database is on another server or timeline now", with: [.loop: "\(purpose)"])
        case .refused:
            throw PostgresError(
                .connectFailed,
                "an old primary, or another server that this worker has left: stop it, or restart the worker to go back to it"
            )
        }
    }
}
