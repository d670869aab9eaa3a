import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing
import Worker

@testable import CommandLineTool

/// SQL and the command line are two doors to the same tables: what one refuses, the other must not let in, and what both let in
/// can be sent.
@Suite("One rule for both doors", .timeLimit(.minutes(3)))
struct OneRuleTests {
    /// What a door said.
    private enum Answer: Equatable {
        case accepted
        case refused
        /// Refused, but not with the words that it owes; or accepted, but it cannot be sent.
        case wrong(String)
    }

    @Test("for endpoints")
    func endpoints() async throws {
        let cases = try RuleCase.Table.read().endpoint
        #expect(cases.count > 300)
        try await Installation.with { installation in
            for (number, rule) in cases.enumerated() {
                let expected: Answer = rule.ok ? .accepted : .refused
                let sql = try await register(rule, installation)
                #expect(sql == expected, "SQL, \(rule.testDescription)")
                let options = arguments(rule, name: "n\(number)")
                let status = await installation.run(["endpoint", "add"] + options).status
                #expect((status == .done) == rule.ok, "command line: \(status), \(rule.testDescription)")
            }
        }
    }

    @Test("for an endpoint that is changed")
    func updates() async throws {
        let cases = try RuleCase.Table.read().endpoint.filter { !["name", "tenant", "secret"].contains($0.argument) }
        try await Installation.with { installation in
            try await installation.sql("SELECT postrider.register_endpoint('a', 'https://a.example/')")
            for rule in cases {
                let answer = await answer(installation, rule) { transaction in
                    _ = try await transaction.query(
                        "SELECT postrider.update_endpoint('a', \(rule.argument) => $1)", [rule.sqlText],
                        deadline: TestDatabase.deadline)
                }
                #expect(answer == (rule.ok ? .accepted : .refused), "\(rule.testDescription)")
            }
            for rule in try RuleCase.Table.read().endpoint where rule.argument == "secret" {
                let answer = await answer(installation, rule) { transaction in
                    _ = try await transaction.query(
                        "SELECT postrider.rotate_secret('a', $1)", [rule.sqlText], deadline: TestDatabase.deadline)
                }
                #expect(answer == (rule.ok ? .accepted : .refused), "\(rule.testDescription)")
            }
        }
    }

    @Test("for events")
    func events() async throws {
        let cases = try RuleCase.Table.read().event
        #expect(cases.count > 80)
        try await Installation.with { installation in
            for rule in cases {
                let answer = await answer(installation, rule) { try await Self.insert(rule, $0) }
                #expect(answer == (rule.ok ? .accepted : .refused), "SQL, \(rule.testDescription)")
                let status = await installation.run(["event", "publish"] + arguments(publishing: rule)).status
                #expect((status == .done) == rule.ok, "command line: \(status), \(rule.testDescription)")
            }
        }
    }

    private func register(_ rule: RuleCase, _ installation: Installation) async throws -> Answer {
        let name = rule.argument == "name" ? "" : ", name => 'sql'"
        let url = rule.argument == "url" ? "" : ", url => 'https://x.example/'"
        return await answer(installation, rule) { transaction in
            let rows = try await transaction.query(
                "SELECT endpoint_id FROM postrider.register_endpoint(\(rule.argument) => $1\(name)\(url))",
                [rule.sqlText], deadline: TestDatabase.deadline)
            let id = try #require(rows.first.flatMap { Int32($0) })
            let record = try await transaction.run(LoadEndpoints(ids: [id]), deadline: TestDatabase.deadline).first
            let policy = EndpointPolicy(
                allowHTTP: true, addresses: AddressPolicy(allowed: [try Network("127.0.0.0/8")]))
            let judge = EndpointJudge(policy: policy, sealing: nil, version: "0")
            _ = try judge.settings(try #require(record))
        }
    }

    /// Runs SQL in a transaction that is rolled back.
    private func answer(
        _ installation: Installation, _ rule: RuleCase, _ body: (PostgresTransaction) async throws -> Void
    ) async -> Answer {
        do {
            try await installation.connection.withRollback { try await body($0) }
            return .accepted
        } catch let error as PostgresError {
            guard error.sqlState?.rawValue == "23514", error.message.contains("\(rule.argument) ") else {
                return .wrong("\(error)")
            }
            return .refused
        } catch {
            return .wrong("\(error)")
        }
    }

    private static func insert(_ rule: RuleCase, _ transaction: PostgresTransaction) async throws {
        var columns = ["event_type": "'x.y'", "payload": "'{}'"]
        var values: [String?] = [rule.sqlText]
        columns[rule.argument] = "$1"
        if rule.argument == "content_type" {
            columns["payload"] = nil
            columns["body"] = "'x'"
        }
        if rule.argument == "headers", case .list(let lines) = rule.value {
            let fields = lines.map { $0.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false) }
            columns["headers"] = "jsonb_object($1::text[], $2::text[])"
            values = [0, 1].map { part in
                let texts = fields.map { String($0[part]).trimmingPrefix(part == 1 ? " " : "") }
                return RuleCase(argument: "headers", value: .list(texts.map { String($0) }), ok: true).sqlText
            }
        }
        let order = columns.sorted { $0.key < $1.key }
        _ = try await transaction.query(
            """
            INSERT INTO postrider.outbox (\(order.map(\.key).joined(separator: ", ")))
            VALUES (\(order.map(\.value).joined(separator: ", ")))
            """, values, deadline: TestDatabase.deadline)
    }

    private func arguments(_ rule: RuleCase, name: String) -> [String] {
        switch (rule.argument, rule.value) {
        case ("name", .one(let text)): [text, "https://x.example/"]
        case ("url", .one(let text)): [name, text]
        case ("headers", .list(let lines)): [name, "https://x.example/"] + lines.map { "--header=\($0)" }
        case ("event_types", .list(let types)): [name, "https://x.example/"] + types.map { "--event-type=\($0)" }
        case ("signature", .list(let schemes)):
            // An empty list cannot be given there; an empty scheme is refused for the same reason.
            [name, "https://x.example/"] + (schemes.isEmpty ? [""] : schemes).map { "--signature=\($0)" }
        case (_, .list(let list)): [name, "https://x.example/"] + option(rule, list.joined(separator: ","))
        case (_, .one(let text)): [name, "https://x.example/"] + option(rule, text)
        }
    }

    private func arguments(publishing rule: RuleCase) -> [String] {
        switch (rule.argument, rule.value) {
        case ("event_type", .one(let text)): [text]
        case (_, .list(let lines)): ["x.y"] + lines.map { "--header=\($0)" }
        case (_, .one(let text)): ["x.y"] + option(rule, text)
        }
    }

    /// In one word, so that a value may begin with a hyphen; an empty value needs a word of its own.
    private func option(_ rule: RuleCase, _ text: String) -> [String] {
        let name = "--\(rule.argument.replacing("_", with: "-"))"
        return text.isEmpty ? [name, text] : ["\(name)=\(text)"]
    }
}
