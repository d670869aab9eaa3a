import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("Why a delivery ended, and who ended it,", .timeLimit(.minutes(3)))
struct ReasonTests {
    private func reasons(_ outbox: TestOutbox) async throws -> [String] {
        try await outbox.query(
            """
            SELECT format('%s %s: %s, %s', event_id, status, coalesce(reason, '-'), coalesce(closed_by, '-'))
            FROM postrider.event_deliveries ORDER BY event_id
            """
        ).rows.compactMap { $0.first ?? nil }
    }

    @Test("can be read, also of what was cancelled while a worker had it")
    func read() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            let person = try await outbox.connect(in: "postrider_operator")
            let worker = TestWorker(id: 7, connection: try await outbox.connect(in: "postrider_worker"))
            for _ in 1...6 { try await outbox.publish() }
            let claimed = try await worker.claim()
            for event in 1...2 {
                #expect(await person.refusal(of: "SELECT postrider.cancel_event(\(event))") == nil)
            }
            #expect(try await reasons(outbox)[0] == "1 in_flight: cancelled by postrider_operator_user, -")
            try await worker.settle([claimed[0]], .retry(after: .seconds(5)))
            try await worker.settle([claimed[1]], .delivered)
            try await worker.settle([claimed[2]], .dead(.attemptsExhausted))
            try await worker.settle([claimed[3]], .dead(.invalidURL))
            try await worker.settle([claimed[4]], .expired)
            try await worker.settle([claimed[5]], .retry(after: .seconds(5)))
            #expect(
                await person.refusal(
                    of:
                        "SELECT postrider.discard_dead_letter(id, 'sent by hand') FROM postrider.dead WHERE event_id = 3"
                )
                    == nil)
            #expect(await person.refusal(of: "SELECT postrider.cancel_event(6)") == nil)
            #expect(
                try await reasons(outbox) == [
                    "1 cancelled: cancelled by postrider_operator_user, postrider_operator_user", "2 delivered: -, -",
                    "3 dead: discarded: sent by hand, postrider_operator_user", "4 dead: invalid_url, -",
                    "5 expired: expires_at had passed, postrider_worker_user",
                    "6 cancelled: cancelled by postrider_operator_user, postrider_operator_user",
                ])
            await person.close()
            await worker.connection.close()
        }
    }
}
