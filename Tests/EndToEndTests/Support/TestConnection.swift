import Logging
import Postgres
import TestSupport

/// Connections for tests.
enum TestConnection {
    static func open(_ configuration: PostgresConfiguration) async throws -> PostgresConnection {
        try await PostgresConnection.connect(
            configuration, deadline: TestDatabase.deadline,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}
