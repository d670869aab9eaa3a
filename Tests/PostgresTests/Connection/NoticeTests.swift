import Logging
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite("Notices of the server", .timeLimit(.minutes(2)))
struct NoticeTests {
    /// Keeps what is logged.
    private final class Lines: Sendable {
        let all = Mutex<[(level: Logger.Level, metadata: Logger.Metadata)]>([])
    }

    private struct Keeper: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            lines.all.withLock { $0.append((event.level, event.metadata ?? [:])) }
        }
    }

    @Test("go to the log, at debug level, without their detail")
    func logged() async throws {
        try await TestDatabase.withDatabase { database in
            let lines = Lines()
            let connection = try await PostgresConnection.connect(
                database.configuration(), deadline: TestDatabase.deadline,
                logger: Logger(label: "test", factory: { _ in Keeper(lines: lines) }))
            try await connection.execute(
                script: "DO $$ BEGIN RAISE WARNING 'mind the gap' USING DETAIL = 'row 4711'; END $$",
                deadline: TestDatabase.deadline)
            let logged = lines.all.withLock { $0 }
            #expect(logged.map(\.level) == [.debug])
            #expect(logged.first?.metadata["postgres.message"] == "mind the gap")
            #expect(logged.first?.metadata["postgres.severity"] == "WARNING")
            #expect(logged.first?.metadata["postgres.sqlstate"] == "01000")
            #expect("\(logged)".contains("4711") == false)
            await connection.close()
        }
    }
}
