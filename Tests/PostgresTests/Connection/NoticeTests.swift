import Logging
import Postgres
import TestSupport
import Testing

@Suite("Notices of the server", .timeLimit(.minutes(2)))
struct NoticeTests {
    @Test("go to the log, at debug level, without their detail")
    func logged() async throws {
        try await TestDatabase.withDatabase { database in
            let recorder = NoticeRecorder()
            let connection = try await TestDatabase.connect(to: database.configuration(), logger: recorder.logger)
            try await connection.execute(
                script: "DO $$ BEGIN RAISE WARNING 'mind the gap' USING DETAIL = 'row 4711'; END $$",
                deadline: TestDatabase.deadline)
            let logged = recorder.notices
            #expect(logged.map(\.level) == [.debug])
            #expect(logged.first?.metadata["postgres.message"] == "mind the gap")
            #expect(logged.first?.metadata["postgres.severity"] == "WARNING")
            #expect(logged.first?.metadata["postgres.sqlstate"] == "01000")
            #expect("\(logged)".contains("4711") == false)
            await connection.close()
        }
    }
}
