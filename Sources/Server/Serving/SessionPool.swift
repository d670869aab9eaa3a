import Postgres
import ServiceLifecycle
import Synchronization

/// The connections that requests of customers are answered with, each one statement at a time.
final class SessionPool: Service {
    /// How many connections there are.
    static let most = 8
    /// How many requests may wait for one. More are answered with 503 at once.
    static let mostWaiting = 256
    /// How long a statement may take, connecting included.
    static let deadline = Duration.seconds(5)

    /// There are too many that wait.
    struct Crowded: Error {}

    private struct Inner {
        var free: [PostgresSession]
        /// In the order in which they came.
        var waiting: [CheckedContinuation<PostgresSession, Never>] = []
    }

    private let all: [PostgresSession]
    private let inner: Mutex<Inner>

    init(_ sessions: [PostgresSession]) {
        all = sessions
        inner = Mutex(Inner(free: sessions))
    }

    /// Closes the connections when the doors have closed.
    func run() async throws {
        try? await gracefulShutdown()
        for session in all { await session.close() }
    }

    func run<Statement: PostgresStatement>(_ statement: Statement) async throws -> [Statement.Row] {
        let session = try await take()
        defer { give(session) }
        return try await session.run(statement, deadline: Self.deadline)
    }

    private func take() async throws(Crowded) -> PostgresSession {
        let (found, isCrowded) = inner.withLock { ($0.free.popLast(), $0.waiting.count >= Self.mostWaiting) }
        if let found { return found }
        guard !isCrowded else { throw Crowded() }
        return await withCheckedContinuation { continuation in
            // One may have come back since.
            let found = inner.withLock { inner -> PostgresSession? in
                if let free = inner.free.popLast() { return free }
                inner.waiting.append(continuation)
                return nil
            }
            if let found { continuation.resume(returning: found) }
        }
    }

    private func give(_ session: PostgresSession) {
        let next = inner.withLock { inner -> CheckedContinuation<PostgresSession, Never>? in
            guard inner.waiting.isEmpty else { return inner.waiting.removeFirst() }
            inner.free.append(session)
            return nil
        }
        next?.resume(returning: session)
    }
}
