import Foundation
import Outbox
import Postgres
import TestSupport
import Testing
import Webhooks

/// Random values out of nasty characters, given to the rules of SQL and to those of Swift: they must agree on every one. One
/// test at a time, each with pauses: they compute much, and others wait for answers.
@Suite("On random values the doors agree", .serialized, .timeLimit(.minutes(3)))
struct RandomRuleTests {
    private static let count = 8_000

    @Test("about URLs")
    func urls() async throws {
        var generator = SeededGenerator(seed: 11)
        let alphabet = Array("aZ09.-_:/[]@?#%&=|\\{} \t\u{e9}~fF0x1256".utf8)
        let starts = [
            "http://", "HTTPS://", "https://a.b", "http://[::", "http://[1:2:3:4:5:", "https://1.2.3.",
            "https://a.example:",
            "https://a.example/", "https://[::1]:", "http://localhost:", "",
        ]
        let texts =
            (0..<Self.count).map { _ in
                (starts.randomElement(using: &generator) ?? "") + generator.text(upTo: 12, alphabet: alphabet)
            } + (try Self.mutants(of: "url", seed: 15))
        // Every network: what is left of the policy is what no setting changes.
        let policy = EndpointPolicy(
            allowHTTP: true,
            addresses: AddressPolicy(
                allowed: try ["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"].map { try Network($0) }))
        try await compare(texts, with: "postrider.url_rule(t) IS NULL") { text in
            do {
                _ = try policy.endpointURL(text)
                return true
            } catch let refusal as EndpointRefusal {
                // Addresses are for workers to judge.
                return refusal.code == .address
            } catch {
                return false
            }
        }
    }

    @Test("about headers")
    func headers() async throws {
        var generator = SeededGenerator(seed: 12)
        let alphabet = Array("aZ-: \t\r\n!\"\\\u{7f}\u{e9}(".utf8)
        let names = ["X-A", "host", "Webhook-Id", "proxy-", "te", "content-encoding", "x-te", ""]
        let texts =
            (0..<Self.count).map { _ in
                let name = names.randomElement(using: &generator) ?? ""
                return name + generator.text(upTo: 3, alphabet: alphabet) + ":"
                    + generator.text(upTo: 5, alphabet: alphabet)
            } + (try Self.mutants(of: "headers", seed: 16)).filter { $0.contains(":") }
        try await compare(
            texts, with: "postrider.header_rule(split_part(t, ':', 1), substr(t, strpos(t, ':') + 1)) IS NULL"
        ) { (try? HeaderField($0)) != nil }
    }

    @Test("about the headers of an event, where the trigger decides")
    func eventHeaders() async throws {
        var generator = SeededGenerator(seed: 13)
        let alphabet = Array("aZ \"\\N\t\u{e9}".utf8)
        let objects = (0..<1_000).map { _ in
            let fields = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                let name = ["X-A", "x-a", "X-B", "Host", "N\\"].randomElement(using: &generator) ?? ""
                let length = [0, 0, 0, 4_090, 4_095].randomElement(using: &generator) ?? 0
                return (name, String(repeating: "v", count: length) + generator.text(upTo: 3, alphabet: alphabet))
            }
            return Dictionary(fields, uniquingKeysWith: { first, _ in first })
        }
        let texts = try objects.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        let answers = Dictionary(zip(texts, objects.map(Self.isAccepted)), uniquingKeysWith: { first, _ in first })
        try await Installation.with { installation in
            try await installation.sql(
                """
                CREATE FUNCTION accepts(headers text) RETURNS boolean LANGUAGE plpgsql AS $f$
                BEGIN
                    INSERT INTO postrider.outbox (event_type, payload, headers) VALUES ('x', '1', headers::jsonb);
                    RETURN true;
                EXCEPTION WHEN check_violation THEN
                    RETURN false;
                END $f$
                """)
            try await Self.compare(texts, with: "accepts(t)", in: installation) { answers[$0] ?? false }
        }
    }

    @Test("about secrets")
    func secrets() async throws {
        var generator = SeededGenerator(seed: 14)
        let alphabet = Array("AQgwEIk048/+=".utf8)
        let texts = (0..<Self.count).map { _ in
            let length = Int.random(in: 26...88, using: &generator)
            let prefix = Bool.random(using: &generator) ? "whsec_" : "whsec"
            return prefix + String(repeating: "A", count: length) + generator.text(upTo: 4, alphabet: alphabet)
        }
        try await compare(texts, with: "postrider.is_secret(t)") { (try? WebhookSecret($0)) != nil }
    }

    @Test("about the characters of a name")
    func names() async throws {
        let scalars =
            (UInt32(1)...0x33ff).compactMap(Unicode.Scalar.init)
            + (UInt32(0xd000)...0xffff).compactMap(Unicode.Scalar.init)
            + stride(from: UInt32(0x3400), through: 0x10ffff, by: 61).compactMap(Unicode.Scalar.init)
            + [0x110bd, 0x110cd, 0x13430, 0x1343f, 0x1bca0, 0x1bca3, 0x1d173, 0x1d17a, 0xe0000].flatMap {
                (edge: UInt32) in
                [edge - 1, edge, edge + 1].compactMap(Unicode.Scalar.init)
            }
        let texts = scalars.map { "a\(Character($0))b" }
        try await compare(texts, with: "t !~ postrider.invisible_characters()") { (try? EndpointName($0)) != nil }
    }

    /// Nearly right values, made of those of the table. PostgreSQL stores no NUL.
    private static func mutants(of argument: String, seed: UInt64) throws -> [String] {
        let known = try RuleCase.Table.read().endpoint.filter { $0.argument == argument }.flatMap { $0.value.texts }
        var mutator = Mutator(known.filter { $0.utf8.count < 100 }, seed: seed)
        return (0..<count).map { _ in mutator.next() }.filter { !$0.contains("\0") }
    }

    private static func isAccepted(_ headers: [String: String]) -> Bool {
        let isPlain = headers.values.allSatisfy { !$0.hasPrefix(" ") && !$0.hasSuffix(" ") && !$0.contains("\t") }
        return isPlain && (try? HeaderFields(headers.map { try HeaderField(name: $0.key, value: $0.value) })) != nil
    }

    private func compare(_ texts: [String], with sql: String, _ swift: @escaping (String) -> Bool) async throws {
        try await Installation.with { try await Self.compare(texts, with: sql, in: $0, swift) }
    }

    /// All in one round trip. Both answers must occur, or the texts prove nothing.
    private static func compare(
        _ texts: [String], with sql: String, in installation: Installation, _ swift: (String) -> Bool
    ) async throws {
        let list = String(decoding: try JSONEncoder().encode(texts), as: UTF8.self)
        let answers = try await installation.sql(
            """
            SELECT string_agg(CASE WHEN \(sql) THEN '+' ELSE '-' END, '' ORDER BY n)
            FROM json_array_elements_text($1) WITH ORDINALITY AS e (t, n)
            """, list)
        let letters = try #require(answers)
        let ofSQL = letters.map { $0 == "+" }
        #expect(ofSQL.count == texts.count)
        var apart: [(String, Bool)] = []
        for (number, (text, answer)) in zip(texts, ofSQL).enumerated() {
            if swift(text) != answer { apart.append((text, answer)) }
            if number % 200 == 0 { await Task.yield() }
        }
        #expect(apart.prefix(5).map { "\($0.0.debugDescription.prefix(300)): SQL says \($0.1)" } == [])
        #expect(ofSQL.count { $0 } > texts.count / 100)
        #expect(ofSQL.count { !$0 } > texts.count / 100)
    }
}
