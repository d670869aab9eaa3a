import Inbox
import InboxStore
import Postgres
import TestSupport
import Testing

@Suite("Receiving", .timeLimit(.minutes(3))) struct ReceivingTests {
    @Test("keeps the bytes as they came, whatever they are")
    func bytes() async throws {
        let bodies: [[UInt8]] = [
            [], Array(#"{"a": 1, "a": 2}"#.utf8), [0, 255, 0xfe, 10], Array("a=1&b=2".utf8),
            Array(repeating: UInt8(ascii: "["), count: 100_000), Array(repeating: 7, count: 1 << 20),
        ]
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            try await outbox.withStore { (store) async throws in
                let receipts = try await store.receive(
                    bodies.enumerated().map { ReceivedWebhook(madeUp: "\($0)", body: $1) })
                #expect(receipts.allSatisfy { $0.isNew && $0.inboxID != nil })
            }
            for (place, body) in bodies.enumerated() {
                let stored = PostgresQuery<[UInt8]>(
                    "SELECT i.body FROM postrider.inbox i WHERE i.webhook_id = $1", "\(place)")
                #expect(try await outbox.connection.run(stored, deadline: TestOutbox.deadline) == [body])
            }
            #expect(
                try await outbox.column("SELECT headers FROM postrider.inbox LIMIT 1") == [#"{"x-one": "1, 2"}"#])
        }
    }

    @Test("stores an id once, counts how often it came again, and answers with the first number")
    func duplicates() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            try await outbox.addSource("other")
            try await outbox.withStore { (store) async throws in
                let first = try await store.receive([
                    ReceivedWebhook(madeUp: "a"), ReceivedWebhook(madeUp: "b"), ReceivedWebhook(madeUp: "a"),
                    ReceivedWebhook(madeUp: "a", at: 2), ReceivedWebhook(madeUp: "x", at: 99),
                ])
                #expect(first.map(\.isNew) == [true, true, false, true, false])
                #expect(first[2].inboxID == first[0].inboxID && first[3].inboxID != first[0].inboxID)
                #expect(first[4].inboxID == nil)
                let again = try await store.receive([
                    ReceivedWebhook(madeUp: "c"), ReceivedWebhook(madeUp: "b"), ReceivedWebhook(madeUp: "b"),
                ])
                #expect(again.map(\.isNew) == [true, false, false] && again[1].inboxID == first[1].inboxID)
            }
            #expect(
                try await outbox.column(
                    "SELECT format('%s %s %s', source, webhook_id, duplicates) FROM postrider.inbox ORDER BY source, webhook_id"
                ) == ["other a 0", "shop a 1", "shop b 2", "shop c 0"])
        }
    }

    @Test("stores an id once when several processes get it at once, in any order")
    func concurrentDuplicates() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            let fresh = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        try await outbox.withStore { (store) async throws in
                            var generator = SeededGenerator(seed: UInt64(number))
                            var count = 0
                            for round in 0..<20 {
                                let ids = (0..<50).map { "\(round) \($0)" }.shuffled(using: &generator)
                                let receipts = try await store.receive(ids.map { ReceivedWebhook(madeUp: $0) })
                                #expect(receipts.allSatisfy { $0.inboxID != nil })
                                count += receipts.count(where: \.isNew)
                            }
                            return count
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(fresh == 1000)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.inbox") == 1000)
            #expect(try await outbox.number("SELECT sum(duplicates) FROM postrider.inbox") == 3000)
        }
    }

    @Test("one strange request keeps no other from being stored")
    func strange() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            let long = String(repeating: "ä", count: 5_000)
            var strange = ReceivedWebhook(
                madeUp: long, type: "a\u{0}b" + long, correlation: long, contentType: long + "\u{0}")
            strange.headers = ReceivedHeaders([("\u{0}X", "\u{0}\"\\\u{1}")])
            strange.remoteAddress = long
            try await outbox.withStore { (store) async throws in
                let receipts = try await store.receive([ReceivedWebhook(madeUp: "plain"), strange, strange])
                #expect(receipts.map(\.isNew) == [true, true, false])
                let many = (0...ReceivedWebhook.mostAtOnce).map { ReceivedWebhook(madeUp: "\($0)") }
                await #expect(throws: PostgresError.self) { try await store.receive(many) }
            }
            #expect(
                try await outbox.number(
                    "SELECT count(*) FROM postrider.inbox WHERE webhook_id LIKE 'sha256:%' AND correlation LIKE 'sha256:%'"
                ) == 1)
        }
    }

    @Test("a source is read with its live secrets alone, the newest first, and not when it is removed")
    func sources() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource("shop", "tenant => 'acme', rate_limit => 2.5, trust_proxies => '{10.0.0.0/8}'")
            try await outbox.addSource("gone")
            try await outbox.script(
                """
                SELECT postrider.remove_source('gone');
                SELECT postrider.rotate_source_secret('shop', 'second', '0');
                SELECT postrider.rotate_source_secret('shop', 'third one')
                """)
            let sources = try await outbox.withStore { try await $0.sources() }
            #expect(sources.map(\.name) == ["shop"])
            let shop = try #require(sources.first)
            #expect(shop.secrets == ["third one", "second"] && shop.tenant == "acme" && shop.scheme == "github")
            #expect(shop.rateLimit == 2.5 && shop.trustProxies == ["10.0.0.0/8"] && shop.tolerance == .seconds(300))
            try await outbox.query("SELECT postrider.update_source('shop', max_body => 7)")
            let changed = try await outbox.withStore { try await $0.sources() }.first
            #expect(changed?.maxBody == 7 && changed?.version != shop.version)
        }
    }
}
