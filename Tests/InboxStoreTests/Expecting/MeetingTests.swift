import Postgres
import TestSupport
import Testing

@Suite("An expectation is met", .timeLimit(.minutes(2))) struct MeetingTests {
    @Test("by a callback of its source and correlation, or of any source where it names none, and by no other")
    func callbacks() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            let other = try await outbox.addSource("other")
            let foreign = try await outbox.addSource("foreign", "tenant => 'acme'")
            for correlation in ["a", "b", "c"] { try await outbox.expect(correlation) }
            try await outbox.query("SELECT postrider.expect('a', '1 h'), postrider.expect('b', '1 h')")
            try await outbox.receive(["a", nil, "x"], ids: "one")
            #expect(
                try await outbox.expectations() == ["a met 1", "b waiting", "c waiting", "a met 1", "b waiting"])
            try await outbox.receive(["b"], at: foreign, ids: "two")
            #expect(try await outbox.expectations().suffix(4) == ["b waiting", "c waiting", "a met 1", "b waiting"])
            try await outbox.receive(["b"], at: other, ids: "three")
            #expect(try await outbox.expectations().suffix(4) == ["b waiting", "c waiting", "a met 1", "b met 5"])
            // A tenant's own is not for whom names none.
            try await outbox.query("SELECT postrider.expect('c', '1 h', 'foreign')")
            #expect(try await outbox.number("SELECT postrider.fulfil('c')") == 1)
            #expect(try await outbox.number("SELECT postrider.fulfil('c')") == 0)
            #expect(try await outbox.number("SELECT postrider.fulfil('c', 'foreign')") == 1)
            #expect(try await outbox.number("SELECT postrider.withdraw('b')") == 1)
            #expect(
                try await outbox.expectations()
                    == ["a met 1", "b withdrawn", "c met", "a met 1", "b met 5", "c met"])
            #expect(
                try await outbox.number("SELECT count(*) FROM postrider.expectations WHERE due_at IS NOT NULL") == 0)
            // Longer than a key may be.
            let long = String(repeating: "long", count: 500)
            try await outbox.expect(long)
            try await outbox.receive([long], ids: "four")
            #expect(try await outbox.expectations().last?.hasSuffix(" met 6") == true)
        }
    }

    @Test("by a callback that came while its own transaction was open, in any order of the commits")
    func early() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            // What came before that transaction is none of its callbacks.
            try await outbox.receive(["early", "late"], ids: "old")
            try await outbox.query("UPDATE postrider.received SET received_at = received_at - interval '2 s'")
            let shop = try await outbox.connect()
            try await shop.withTransaction(deadline: TestOutbox.deadline) { (transaction) async throws in
                for correlation in ["early", "late"] {
                    _ = try await transaction.query(
                        "SELECT postrider.expect($1, '1 h', 'shop')", [correlation], deadline: TestOutbox.deadline)
                }
                try await outbox.receive(["early"], ids: "new")
            }
            #expect(try await outbox.expectations() == ["early met 3", "late waiting"])
            // Seen by neither: it was received with an older snapshot than the commit, and committed after it.
            let snapshot = try await outbox.connect()
            try await snapshot.withTransaction(deadline: TestOutbox.deadline) { (transaction) async throws in
                for statement in ["SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT 1"] {
                    _ = try await transaction.query(statement, deadline: TestOutbox.deadline)
                }
                try await outbox.expect("crossed")
                try await outbox.expectPolled("crossed")
                _ = try await transaction.query(
                    """
                    SELECT * FROM postrider.receive('{1}', '{crossed}', '{t}', '{crossed}', '{text/plain}', '{"{}"}', '{b}', '{192.0.2.1}')
                    """, deadline: TestOutbox.deadline)
            }
            #expect(try await outbox.expectations().suffix(2) == ["crossed waiting", "crossed polling"])
            try await outbox.overdue()
            try await outbox.query("UPDATE postrider.expected SET due_at = 'infinity' WHERE correlation = 'late'")
            #expect(try await outbox.number("SELECT postrider.end_due(10)") == 1)
            #expect(try await outbox.answer(4, body: "{}") == "met")
            #expect(try await outbox.expectations().suffix(2) == ["crossed met 4", "crossed met 4"])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.inbox") == 4)
            #expect(try await outbox.told() == [])
            await shop.close()
            await snapshot.close()
        }
    }

    @Test("though another session has it: what receives waits for no one, and what looks next finds the callback")
    func held() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            try await outbox.expect("held")
            try await outbox.expect("free")
            try await outbox.overdue()
            try await outbox.holding(1) {
                try await outbox.receive(["held", "free"])
                #expect(try await outbox.expectations() == ["held waiting", "free met 2"])
                #expect(try await outbox.number("SELECT postrider.end_due(10)") == 0)
            }
            #expect(try await outbox.number("SELECT postrider.end_due(10)") == 1)
            #expect(try await outbox.expectations() == ["held met 1", "free met 2"])
            #expect(try await outbox.told() == [])
        }
    }

    @Test("in a crowd that expects and receives the same at once, without a deadlock, each of them")
    func crowd() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<3 {
                    group.addTask {
                        let connection = try await outbox.connect()
                        for _ in 0..<20 {
                            _ = try await connection.query(
                                """
                                SELECT count(postrider.expect((n * $1::int % 50)::text, '1 h', 'shop')) FROM generate_series(1, 49) AS n
                                """, ["\(number * 2 + 1)"], deadline: TestOutbox.deadline)
                        }
                        await connection.close()
                    }
                    group.addTask {
                        for round in 0..<20 {
                            try await outbox.receive(
                                (1..<50).shuffled().map { "\($0)" }, ids: "\(number) \(round)")
                        }
                    }
                    group.addTask {
                        let connection = try await outbox.connect()
                        for _ in 0..<20 {
                            _ = try await connection.query(
                                "SELECT postrider.end_due(1000), postrider.withdraw('7', 'shop')",
                                deadline: TestOutbox.deadline)
                        }
                        await connection.close()
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await outbox.number("SELECT count(*) FROM postrider.expectations") == 3 * 20 * 49)
            try await outbox.receive((0..<50).map { "\($0)" }, ids: "last")
            #expect(
                try await outbox.number(
                    """
                    SELECT count(*) FROM postrider.expectations x
                    WHERE x.state NOT IN ('met', 'withdrawn') OR (x.state = 'met') <> (x.inbox_id IS NOT NULL)
                    """) == 0)
        }
    }
}
