package import Logging
internal import Synchronization

/// What a service holds of the database: one connection, made when it is first needed and made again after failures.
///
/// It never runs a statement twice: after an error the caller decides, by ``PostgresError/kind``. Only connecting is tried
/// again, with growing random waits, until the call's deadline.
package final class PostgresSession: Sendable {
    /// Where the connection stands.
    enum State {
        /// There is none, and nobody makes one. Then: connecting, closed.
        case idle
        /// One of the callers makes one; the others wait. Then: idle, connected, closed.
        case connecting
        /// It is there. Then: idle, closed.
        case connected(PostgresConnection)
        /// The session is over.
        case closed
    }

    struct Inner {
        var state = State.idle
        /// Failures in a row, to connect or of a connection that had not answered yet.
        var failures = 0
        /// Whether there was a connection before.
        var hasConnected = false
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        /// Waiters whose time was over before they had begun to wait.
        var expired: Set<Int> = []
        var nextWaiter = 0

        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
            defer { waiters = [:] }
            return Array(waiters.values)
        }
    }

    let configuration: PostgresConfiguration
    let backoff: Backoff
    let logger: Logger
    let clock: any Clock<Duration>
    let random: @Sendable () -> Double
    let onEvent: @Sendable (PostgresSessionEvent) -> Void
    let onNotification: (@Sendable (PostgresNotification) -> Void)?
    let onConnect: (@Sendable (PostgresConnection) async throws(PostgresError) -> Void)?
    let inner = Mutex(Inner())

    /// A session that connects when it is first used.
    ///
    /// - Parameters:
    ///   - clock: what the waits between attempts are measured with.
    ///   - random: a number from 0 up to 1.
    ///   - onConnect: runs on each new connection before anything else, for `LISTEN` and the like. Its failure counts as one to connect.
    ///   - onNotification: gets what `NOTIFY` sends to channels the connection listens to.
    ///   - onEvent: is told of connections made and lost, for metrics and logs. Called without any lock held.
    package init(
        _ configuration: PostgresConfiguration, backoff: Backoff = Backoff(), logger: Logger,
        clock: any Clock<Duration> = ContinuousClock(),
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        onConnect: (@Sendable (PostgresConnection) async throws(PostgresError) -> Void)? = nil,
        onNotification: (@Sendable (PostgresNotification) -> Void)? = nil,
        onEvent: @escaping @Sendable (PostgresSessionEvent) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.backoff = backoff
        self.logger = logger
        self.clock = clock
        self.random = random
        self.onConnect = onConnect
        self.onNotification = onNotification
        self.onEvent = onEvent
    }

    /// Lends the connection, connecting first if need be.
    ///
    /// An error that `body` throws decides whether the next call gets the same connection.
    ///
    /// - Parameter deadline: how long connecting may take.
    @discardableResult
    package func withConnection<Result: Sendable>(
        deadline: Duration, _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        let connection = try await connection(until: .now + deadline)
        do {
            let result = try await body(connection)
            succeeded()
            return result
        } catch {
            if let error = error as? PostgresError { judge(error, of: connection) }
            throw error
        }
    }

    /// Ends the session and its connection. Calls under way fail.
    package func close() async {
        let (connection, waiters) = inner.withLock { inner in
            let connection: PostgresConnection? =
                if case .connected(let connection) = inner.state { connection } else { nil }
            inner.state = .closed
            return (connection, inner.takeWaiters())
        }
        for waiter in waiters { waiter.resume() }
        await connection?.close()
    }
}
