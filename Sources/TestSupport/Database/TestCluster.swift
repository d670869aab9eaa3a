package import LocalPostgres

/// The PostgreSQL server that all tests of a process share: started when first needed, gone with the process.
package actor TestCluster {
    package static let shared = TestCluster()

    private var start: Task<Result<ThrowAwayCluster, LocalPostgresError>, Never>?
    /// The databases that others are copied from, by name, each prepared once.
    private var templates: [String: Task<Void, any Error>] = [:]

    /// The server, which takes connections.
    package func cluster() async throws(LocalPostgresError) -> ThrowAwayCluster {
        let start = self.start ?? Task { await Self.startCluster() }
        self.start = start
        return try await start.value.get()
    }

    /// Prepares a template unless that has been done.
    func prepare(_ name: String, _ body: @escaping @Sendable () async throws -> Void) async throws {
        let preparation = templates[name] ?? Task { try await body() }
        templates[name] = preparation
        try await preparation.value
    }

    private static func startCluster() async -> Result<ThrowAwayCluster, LocalPostgresError> {
        do throws(LocalPostgresError) {
            // Many tests run at once, each with a few connections. Compiling a query takes longer than it saves here.
            let settings = ["max_connections": "300", "max_prepared_transactions": "10", "jit": "off"]
            return .success(
                try await ThrowAwayCluster.start(.init(isDurable: false, listensOnLoopback: true, settings: settings)))
        } catch { return .failure(error) }
    }
}
