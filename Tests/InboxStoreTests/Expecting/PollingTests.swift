import Postgres
import TestSupport
import Testing

@Suite("Polling for a callback", .timeLimit(.minutes(2))) struct PollingTests {
    @Test("ends when done_when holds, and its answer is a row of the inbox, once")
    func done() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource("shop", "event_type_from => '$.event.a-b[1]'")
            let deep = String(repeating: "[", count: 50_000)
            let wrong = [
                "", "{}", "nonsense", "\u{0}", #"{"status": "\u0000"}"#, #"{"status": "open"}"#, #"{"n": 1e999999}"#,
                deep,
                #"[{"status": null}]"#, "\u{feff}{}",
            ]
            let id = try await outbox.expectPolled("a", doneWhen: #"$.status == "paid""#)
            for (place, body) in wrong.enumerated() {
                #expect(try await outbox.answer(id, turn: place + 1, body: body) == "polling", "\(body.prefix(20))")
                try await outbox.overdue()
                #expect(try await outbox.number("SELECT turn FROM postrider.take_polls(10, '1 min')") == place + 2)
            }
            // A worker that comes back late, and one that answers again.
            let paid = #"{"status": "paid", "event": {"a-b": [0, "payment.paid"]}}"#
            #expect(try await outbox.answer(id, turn: wrong.count, body: paid) == nil)
            #expect(try await outbox.answer(id, turn: wrong.count + 1, body: paid) == "met_by_poll")
            #expect(try await outbox.answer(id, turn: wrong.count + 1, body: paid) == nil)
            #expect(try await outbox.expectations() == ["a met_by_poll 1"])
            #expect(
                try await outbox.column(
                    """
                    SELECT concat_ws(' ', left(webhook_id, 5), event_type, correlation, content_type, remote_address, status,
                                     convert_from(body, 'UTF8'))
                    FROM postrider.inbox
                    """) == ["poll_ payment.paid a application/json 192.0.2.9 queued \(paid)"])
            #expect(try await outbox.number("SELECT polls FROM postrider.expectations") == Int64(wrong.count + 1))
            #expect(
                try await outbox.number("SELECT count(*) FROM postrider.expected WHERE poll_headers IS NOT NULL") == 0)
            // A path that is no predicate, one that the callback of another meets too, and none at all: any body.
            let flag = try await outbox.expectPolled("b", doneWhen: "$.done")
            #expect(try await outbox.answer(flag, body: #"{"done": false}"#) == "polling")
            let any = try await outbox.expectPolled("c")
            try await outbox.expect("c")
            #expect(try await outbox.answer(any, body: "\u{0}") == "met_by_poll")
            #expect(try await outbox.expectations().suffix(2) == ["c met_by_poll 2", "c met 2"])
        }
    }

    @Test(
        "is over with a 410, with its time, or when its source is gone; not before it was asked once, nor for a killed worker"
    )
    func over() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource()
            try await outbox.addSource("gone")
            let gone = try await outbox.expectPolled("gone")
            #expect(try await outbox.answer(gone, status: 500) == "polling")
            #expect(
                try await outbox.number(
                    "SELECT count(*) FROM postrider.expected WHERE due_at BETWEEN now() AND clock_timestamp() + interval '1.2 s'"
                )
                    == 1)
            try await outbox.overdue()
            try await outbox.query("SELECT * FROM postrider.take_polls(10, '1 min')")
            #expect(try await outbox.answer(gone, turn: 2, status: 410) == "missed")
            // No worker was there for all its time: it is asked once all the same.
            let late = try await outbox.expectPolled("late", until: "1 s")
            try await outbox.query(
                "UPDATE postrider.expected SET poll_until = now() - interval '1 d' WHERE id = $1", "\(late)")
            for turn in 2...4 {
                try await outbox.overdue()
                #expect(try await outbox.number("SELECT turn FROM postrider.take_polls(10, '1 min')") == Int64(turn))
            }
            #expect(try await outbox.answer(late, turn: 4, status: 503) == "missed")
            // No poll ever tells how it ended: it does not go on for ever.
            let lost = try await outbox.expectPolled("lost")
            try await outbox.query(
                "UPDATE postrider.expected SET poll_until = now(), turn = 30 WHERE id = $1", "\(lost)")
            try await outbox.overdue()
            #expect(try await outbox.column("SELECT turn FROM postrider.take_polls(10, '1 min')") == [])
            try await outbox.query("SELECT postrider.expect('removed', '1 h', 'gone', 'poll', 'https://shop.example/')")
            try await outbox.query("SELECT postrider.remove_source('gone')")
            try await outbox.overdue()
            #expect(try await outbox.column("SELECT turn FROM postrider.take_polls(10, '1 min')") == [])
            #expect(try await outbox.told() == ["gone", "late", "lost", "removed"])
            #expect(
                try await outbox.column("SELECT last_error FROM postrider.expected ORDER BY id DESC LIMIT 2") == [
                    "the source was removed", "no worker told how its polls ended",
                ])
        }
    }

    @Test("and a callback at once end in one state, with one row each; a poll whose row is held waits for no one")
    func both() async throws {
        try await TestOutbox.withOutbox { (outbox) async throws in
            try await outbox.addSource("shop", "publish_as => 'in'")
            let id = try await outbox.expectPolled("a")
            try await outbox.holding(id) {
                #expect(
                    await outbox.refusal(
                        of: "SELECT postrider.record_poll(\(id), 1, 200, NULL, 'x', NULL, true, '0')")?.sqlState
                        == .lockNotAvailable)
                try await outbox.receive(["a"])
            }
            #expect(try await outbox.expectations() == ["a polling"])
            #expect(try await outbox.answer(id, body: "{}") == "met")
            #expect(try await outbox.expectations() == ["a met 1"])
            // Met while it was out: its answer means nothing.
            let second = try await outbox.expectPolled("b")
            try await outbox.receive(["b"], ids: "two")
            #expect(try await outbox.answer(second, body: "{}") == nil)
            // The answer of a source that publishes becomes an event.
            let third = try await outbox.expectPolled("c")
            #expect(try await outbox.answer(third, body: #"{"c": 1}"#) == "met_by_poll")
            #expect(
                try await outbox.column(
                    "SELECT concat_ws(' ', event_type, payload, ordering_key) FROM postrider.outbox ORDER BY id DESC LIMIT 1"
                )
                    == [#"in {"c": 1} c"#])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.inbox WHERE status = 'published'") == 3)
        }
    }
}
