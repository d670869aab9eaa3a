import Postgres
import TestSupport
import Testing

@Suite("What operators do to the inbox", .timeLimit(.minutes(3))) struct InboxActTests {
    @Test("replays and discards, each on record, and as a preview changes nothing")
    func acts() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource("shop", "retry_schedule => '{1 hour}'")
            try await outbox.receive([nil, nil, "k", "k"])
            // One is done, one waits after a failure, one is dead with one behind it.
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { (one) async throws in
                try await one.finish(1)
                try await one.fail(2)
                try await one.fail(3)
                try await one.fail(3)
            }
            let before = try await outbox.inbox()
            #expect(before == ["1 done 1", "2 retrying 1", "3 dead 2", "4 queued 0"])
            let preview = try await outbox.connection.withRollback { (one) async throws in
                try await one.query(
                    "SELECT postrider.replay_dead_inbox('shop'), postrider.replay_inbox(1), postrider.discard_inbox(4, 'x')",
                    deadline: .seconds(5)
                ).rows.first
            }
            #expect(preview?.prefix(2) == ["1", "t"])
            #expect(try await outbox.inbox() == before)
            #expect(try await outbox.number("SELECT count(*) FROM postrider.audit_log") == 1)

            #expect(
                try await outbox.number("SELECT postrider.replay_dead_inbox('shop', until => now() - interval '1 h')")
                    == 0)
            #expect(try await outbox.number("SELECT postrider.replay_dead_inbox('shop')") == 1)
            for (id, changes) in [(1, "t"), (2, "t"), (3, "f"), (4, "f")] {
                #expect(try await outbox.column("SELECT postrider.replay_inbox(\(id))") == [changes])
            }
            // It stands before what came later, and has a fresh schedule.
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { (one) async throws in
                #expect(try await one.take() == [1, 2, 3])
                #expect(try await one.fail(3) == "retrying")
            }
            try await outbox.query("SELECT postrider.discard_inbox(3, 'a test')")
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { (one) async throws in
                #expect(try await one.take() == [1, 2, 4])
            }
            #expect(
                try await outbox.column("SELECT last_error FROM postrider.inbox WHERE id = 3") == ["discarded: a test"])
            #expect(await outbox.refusal(of: "SELECT postrider.discard_inbox(1, ' ')") != nil)
            #expect(await outbox.refusal(of: "SELECT postrider.discard_inbox(3, 'again')") != nil)
            #expect(
                try await outbox.column("SELECT format('%s %s', act, subject) FROM postrider.audit_log ORDER BY id")
                    == [
                        "register source shop", "replay source shop", "replay inbox row 1", "replay inbox row 2",
                        "discard inbox row 3",
                    ])
        }
    }

    @Test("an open act on a row holds up no consumer of others, and no process that receives")
    func openAct() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            try await outbox.receive(["a", "a", "a", nil])
            let other = try await outbox.connect()
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { (act) async throws in
                _ = try await act.query("SELECT postrider.discard_inbox(2, 'x')", deadline: .seconds(5))
                _ = try await act.query("SELECT postrider.update_source('shop', max_body => 7)", deadline: .seconds(5))
                try await other.withTransaction(deadline: .seconds(5)) { (one) async throws in
                    #expect(try await one.take() == [1, 4])
                    try await one.finish(1)
                    try await one.finish(4)
                }
                #expect(try await outbox.receive(["a"], ids: "late") == [5])
            }
            try await other.withTransaction(deadline: .seconds(5)) { (one) async throws in
                #expect(try await one.take() == [3])
            }
            await other.close()
        }
    }

    @Test("removing a source ends what is not processed, but for what a consumer has; that ends later")
    func removal() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            try await outbox.receive([nil, nil, nil])
            let other = try await outbox.connect()
            try await other.withTransaction(deadline: .seconds(5)) { (one) async throws in
                #expect(try await one.take(2) == [1, 2])
                #expect(try await outbox.number("SELECT postrider.remove_source('shop')") == 1)
                try await one.finish(1)
            }
            #expect(try await outbox.inbox() == ["1 done 1", "2 queued 0", "3 dead 0"])
            #expect(try await outbox.number("SELECT postrider.keep_inbox()") == 1)
            #expect(try await outbox.inbox() == ["1 done 1", "2 dead 0", "3 dead 0"])
            #expect(try await outbox.receive([nil], ids: "late") == [nil])
            #expect(await outbox.refusal(of: "SELECT postrider.replay_inbox(3)") != nil)
            #expect(try await outbox.addSource() == 2)
            await other.close()
        }
    }

    @Test("the rules of a source hold through SQL")
    func rules() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            let cases = [
                ("name", "'a b', 'github'"), ("name", "'../x', 'github'"), ("name", "NULL, 'github'"),
                ("scheme", "'a', 'md5'"), ("scheme", "'a', NULL"), ("scheme", "'a', 'hmac:X-Sig,sha256,hex,v1,{body}'"),
                ("secrets", "'a', 'stripe'"), ("secrets", "'a', 'github', '{short}'"),
                ("secrets", "'a', 'standard', '{whsec_abc}'"), ("secrets", "'a', 'basic', '{no colon}'"),
                ("secrets", "'a', 'github', '{sealed:v1:x}'"), ("secrets", "'a', 'none', '{a secret}'"),
                ("allow_networks", "'a', 'none'"), ("allow_networks", "'a', 'jwt', allow_networks => '{10.0.0.1/8}'"),
                ("trust_proxies", "'a', 'jwt', trust_proxies => '{0.0.0.0/0}'"),
                ("correlation_from", "'a', 'jwt', correlation_from => '$..a'"),
                ("id_from", "'a', 'jwt', id_from => 'header:'"), ("max_body", "'a', 'jwt', max_body => 16777217"),
                ("max_body", "'a', 'jwt', max_body => 262145, publish_as => 'x'"),
                ("rate_limit", "'a', 'jwt', rate_limit => 'NaN'"), ("tolerance", "'a', 'jwt', tolerance => '0'"),
                ("publish_as", "'a', 'jwt', publish_as => 'postrider.x'"),
                ("retry_schedule", "'a', 'jwt', retry_schedule => '{}'"),
                ("tenant", "'a', 'jwt', tenant => repeat('x', 513)"),
            ]
            for (column, arguments) in cases {
                let refusal = await outbox.refusal(of: "SELECT * FROM postrider.add_source(\(arguments))")
                #expect(refusal?.report?.column == column, "\(arguments): \(String(describing: refusal))")
            }
            #expect(try await outbox.number("SELECT count(*) FROM postrider.sources") == 0)
            let made = "SELECT made_secret FROM postrider.add_source('a-1.b_c', 'standard', id_from => '$.a[0].b-c')"
            #expect(try await outbox.column(made).first??.hasPrefix("whsec_") == true)
        }
    }

    @Test("old days go, but not while something of them is not processed; ids go after theirs")
    func retention() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            for (day, end) in [(50, "done"), (45, "queued"), (40, "dead"), (35, "done")] {
                try await outbox.script(
                    """
                    SELECT postrider.make_partition(parent, current_date - \(day), '-infinity')
                    FROM unnest(ARRAY['received', 'inbox_ends']) AS parent;
                    INSERT INTO postrider.received (received_at, source_id, webhook_id, headers, body)
                    VALUES (current_date - \(day) + time '12:00', 1, '\(day)', '{}', '');
                    INSERT INTO postrider.inbox_ids (source_id, webhook_id, inbox_id, received_at)
                    SELECT 1, r.webhook_id, r.id, r.received_at FROM postrider.received r WHERE r.webhook_id = '\(day)';
                    INSERT INTO postrider.inbox_\(end == "done" ? "ends" : end == "dead" ? "dead" : "queue")
                        (id, received_at, \(end == "done" ? "status, attempts" : end == "dead" ? "source_id, attempts" : "source_id, due_at"))
                    SELECT r.id, r.received_at, \(end == "done" ? "'done', 1" : end == "dead" ? "1, 1" : "1, now()")
                    FROM postrider.received r WHERE r.webhook_id = '\(day)'
                    """)
            }
            var dropped: [String] = []
            while let name = try await outbox.column("SELECT postrider.keep_retention()").first ?? nil {
                dropped.append(String(name.dropLast(10)))
            }
            #expect(dropped == ["received", "received", "inbox_ends", "inbox_ends"])
            #expect(try await outbox.inbox() == ["2 queued 0", "3 dead 1"])
            #expect(try await outbox.number("SELECT postrider.keep_inbox()") == 0)
            try await outbox.query("UPDATE postrider.settings SET idempotency_retention = '42 days'")
            #expect(try await outbox.number("SELECT postrider.keep_inbox()") == 2)
        }
    }
}
