import Postgres
import TestSupport
import Testing

/// What a producer writes wrong is refused inside the producer's own transaction, by name.
@Suite("A broken rule", .timeLimit(.minutes(3)))
struct EventRulesTests {
    struct Breach: Sendable, CustomTestStringConvertible {
        let column: String
        let rule: String
        /// The columns and values of the insert.
        let columns: String
        let values: String

        init(_ column: String, _ rule: String, _ columns: String, _ values: String) {
            self.column = column
            self.rule = rule
            self.columns = columns
            self.values = values
        }

        var testDescription: String { "\(columns): \(values.prefix(80))" }
    }

    static let breaches =
        [
            "'a b'", "'a.'", "'.a'", "'a..b'", "''", "E'a\\nb'", "E'a\\n'", "'ä'", "'😀'", "'a-b'", "'*'",
            "repeat('a', 129)",
        ].map {
            Breach("event_type", "segments of", "event_type, payload", "\($0), '{}'")
        } + [
            Breach("event_type", "is required", "payload", "'{}'"),
            Breach("payload", "or body must be given", "event_type", "'x'"),
            Breach("payload", "must not both", "event_type, payload, body", "'x', '{}', 'x'"),
            Breach(
                "payload", "262144 bytes, this one has 262145", "event_type, payload",
                "'x', to_json(repeat('a', 262143))"),
            Breach(
                "body", "262144 bytes, this one has 262145", "event_type, body",
                "'x', convert_to(repeat('a', 262145), 'UTF8')"),
            Breach("body", "262144 bytes", "event_type, body", "'x', convert_to(repeat('a', 50000000), 'UTF8')"),
            Breach("content_type", "goes with body", "event_type, payload, content_type", "'x', '{}', 'text/plain'"),
            Breach("tenant", "not NULL", "event_type, payload, tenant", "'x', '{}', NULL"),
            Breach("tenant", "512 bytes", "event_type, payload, tenant", "'x', '{}', repeat('t', 513)"),
            Breach("deliver_after", "finite", "event_type, payload, deliver_after", "'x', '{}', 'infinity'"),
            Breach("expires_at", "finite", "event_type, payload, expires_at", "'x', '{}', '-infinity'"),
        ]
        + ["''", "repeat('k', 513)"].flatMap { value in
            ["ordering_key", "idempotency_key"].map {
                Breach($0, "1 to 512 bytes", "event_type, payload, \($0)", "'x', '{}', \(value)")
            }
        }
        + ["''", "repeat('e', 801)"].map {
            Breach("endpoint", "name of an endpoint", "event_type, payload, endpoint", "'x', '{}', \($0)")
        }
        + ["''", "E'a\\nb'", "'ä'", "' a'", "E'a\\x01'", "'text/' || repeat('c', 196)", "'text'", "'a/b/c'"].map {
            Breach("content_type", "visible ASCII", "event_type, body, content_type", "'x', 'x', \($0)")
        }
        + [
            "'x'", "'00-0123456789ABCDEF0123456789abcdef-0123456789abcdef-01'",
            "E'00-0123456789abcdef0123456789abcdef-0123456789abcdef-01\\n'",
        ]
        .map { Breach("traceparent", "W3C trace context", "event_type, payload, traceparent", "'x', '{}', \($0)") }
        + [
            ("'[]'", "must be an object"), ("'1'", "must be an object"), ("'null'", "must be an object"),
            ("'[{\"a\": \"b\"}]'", "must be an object"), ("'{\"a\": 1}'", "must be an object"),
            ("'{\"a\": null}'", "text values"), ("'{\"a\": [\"b\"]}'", "text values"), ("'{\"a\": []}'", "text values"),
            ("'{\"a\": {}}'", "text values"), ("'{\"a b\": \"c\"}'", "not a header name"),
            ("'{\"\": \"c\"}'", "not a header name"), ("'{\"a:\": \"c\"}'", "not a header name"),
            ("'{\"a\\n\": \"c\"}'", "not a header name"), ("'{\"a\": \"b\\nc\"}'", "visible ASCII"),
            ("'{\"a\": \"b\\r\\nhost: x\"}'", "visible ASCII"), ("'{\"a\": \"ä\"}'", "visible ASCII"),
            ("'{\"a\": \" b\"}'", "space"), ("'{\"a\": \"b \"}'", "space"), ("'{\"a\": \"b\\tc\"}'", "tab"),
            ("'{\"Host\": \"b\"}'", "reserved"), ("'{\"content-type\": \"b\"}'", "reserved"),
            ("'{\"content-encoding\": \"b\"}'", "reserved"), ("'{\"Webhook-Id\": \"b\"}'", "reserved"),
            ("'{\"webhook-x\": \"b\"}'", "reserved"), ("'{\"proxy-authorization\": \"b\"}'", "reserved"),
            ("'{\"Transfer-Encoding\": \"b\"}'", "reserved"),
            ("'{\"Authorization\": \"Bearer x\", \"X-Note\": \"\"}'", "'X-Note': it has no value"),
            ("'{\"X-Tenant\": \"7\", \"x-tenant\": \"7\"}'", "twice"),
            (
                "jsonb_build_object('X-Tenant', '7', 'X-Long', repeat('b', 4200))",
                "'X-Long': it is longer than 4096 bytes"
            ),
            (
                "(SELECT jsonb_object_agg('h' || n, repeat('v', 4091)) FROM generate_series(1, 4) n)",
                "16384 bytes together"
            ),
            ("jsonb_build_object(repeat('a', 129), 'b')", "not a header name"),
            ("(SELECT jsonb_object_agg('h' || n, 'v') FROM generate_series(1, 33) n)", "at most 32 names"),
        ].map { Breach("headers", $0.1, "event_type, payload, headers", "'x', '{}', \($0.0)") }

    struct Found: Equatable {
        var state: String?
        var column: String?
        /// Whether the message names the column.
        var names: Bool

        init(_ error: PostgresError?) {
            state = error?.sqlState?.rawValue
            column = error?.report?.column
            names = error?.message.contains("postrider.outbox: \(column ?? "?") ") ?? false
        }

        init(state: String?, column: String?, names: Bool) {
            self.state = state
            self.column = column
            self.names = names
        }
    }

    @Test("is named, with its column")
    func isNamed() async throws {
        try await TestOutbox.withOutbox { outbox in
            for breach in Self.breaches {
                let error = await outbox.refusal(
                    of: "INSERT INTO postrider.outbox (\(breach.columns)) VALUES (\(breach.values))")
                let found = Found(error)
                #expect(found == Found(state: "23514", column: breach.column, names: true), "\(breach.testDescription)")
                let message = error?.message ?? ""
                #expect(message.contains(breach.rule), "\(breach.testDescription)")
            }
            let stored = try await outbox.number("SELECT count(*) FROM postrider.outbox")
            #expect(stored == 0)
        }
    }

    @Test("of a type is PostgreSQL's to name")
    func typesAreChecked() async throws {
        try await TestOutbox.withOutbox { outbox in
            for json in ["{", "", "nan", "{'a': 1}", "[1,]", "\u{FEFF}{}"] {
                let error = await outbox.refusal(
                    of: "INSERT INTO postrider.outbox (event_type, payload) VALUES ('x', $1)", json)
                #expect(error?.sqlState?.rawValue == "22P02", "\(json)")
            }
        }
    }

    @Test("stops one that is just within")
    func limitsAreInclusive() async throws {
        try await TestOutbox.withOutbox { outbox in
            for (columns, values) in [
                ("event_type, payload", "repeat('a', 128), '{}'"), ("event_type, payload", "'a._.Z9', '{}'"),
                ("event_type, body, content_type", "'x', 'x', 'text/' || repeat('c', 195)"),
                ("event_type, payload, ordering_key, idempotency_key", "'x', '{}', repeat('k', 512), repeat('k', 512)"),
                ("event_type, payload, endpoint, tenant", "'x', '{}', repeat('e', 800), repeat('t', 512)"),
                ("event_type, payload, headers", "'x', '{}', '{}'"),
                ("event_type, payload, headers", "'x', '{}', jsonb_build_object(repeat('a', 128), '!~ ~!')"),
                (
                    "event_type, payload, headers",
                    "'x', '{}', (SELECT jsonb_object_agg('h' || n, 'v') FROM generate_series(1, 32) n)"
                ),
                ("event_type, payload, headers", "'x', '{}', jsonb_build_object('a', repeat('b', 4095))"),
                (
                    "event_type, payload, headers",
                    "'x', '{}', (SELECT jsonb_object_agg('h' || n, repeat('v', 4080)) FROM generate_series(1, 4) n)"
                ),
            ] {
                let error = await outbox.refusal(of: "INSERT INTO postrider.outbox (\(columns)) VALUES (\(values))")
                #expect(error == nil, "\(values)")
            }
        }
    }
}
