package import LocalPostgres

/// The PostgreSQL server that all tests of a process share: started when first needed, gone with the process.
package actor TestCluster {
    /// The one of this process.
    package static let shared = TestCluster()

    private enum Start {
        case notYet
        case underWay([CheckedContinuation<Void, Never>])
        case done(Result<ThrowAwayCluster, LocalPostgresError>)
    }

    private var start = Start.notYet

    /// The server, which takes connections.
    package func cluster() async throws(LocalPostgresError) -> ThrowAwayCluster {
        switch start {
        case .done(let result):
            return try result.get()
        case .underWay(let waiters):
            await withCheckedContinuation { start = .underWay(waiters + [$0]) }
            return try await cluster()
        case .notYet:
            start = .underWay([])
            let result = await Self.startCluster()
            if case .underWay(let waiters) = start {
                for waiter in waiters { waiter.resume() }
            }
            start = .done(result)
            return try result.get()
        }
    }

    private static func startCluster() async -> Result<ThrowAwayCluster, LocalPostgresError> {
        do throws(LocalPostgresError) {
            // Many tests run at once, each with a few connections. Compiling a query takes longer than it saves here.
            let settings = ["max_connections": "300", "max_prepared_transactions": "10", "jit": "off"]
            return .success(
                try await ThrowAwayCluster.start(
                    .init(isDurable: false, listensOnLoopback: true, settings: settings)))
        } catch {
            return .failure(error)
        }
    }
}
