import ArgumentParser
import Outbox
import OutboxStore
import TestSupport
import Testing

@testable import CommandLineTool

/// A file of endpoints, read without a database.
@Suite struct EndpointFileTests {
    private static let policy = EndpointPolicy(allowHTTP: true, addresses: AddressPolicy(allowed: []))

    private static func entries(_ text: String, environment: [String: String] = [:]) throws(FileFault)
        -> [EndpointEntry]
    {
        try EndpointFile(outside: OutsideTexts(environment: environment, folder: ""), policy: policy)
            .entries(Array(text.utf8))
    }

    @Test func readsAllSettings() throws {
        let entries = try Self.entries(
            """
            # What we deliver to.
            endpoints:
              - name: billing
                tenant: acme
                url: https://Billing.example.com:443/hooks?a=b
                event_types: [order.*, "*", order.*]
                retry_schedule: 1s,2s
                max_attempts: 7
                timeout: 3s
                max_in_flight: 5
                rate_limit: 2.5
                payload_format: raw
                headers:
                  X-Team: billing
                  Authorization: {env: TOKEN}
                secret: {file: /run/secrets/billing}
              - {"name": "shipping", "url": "https://shipping.example.com/"}
            """, environment: ["TOKEN": "Bearer canary\n"])
        let billing = try #require(entries.first)
        var wanted = EndpointSettings()
        wanted.url = "https://billing.example.com/hooks?a=b"
        wanted.eventTypes = ["order.*", "*"]
        wanted.retrySchedule = [.seconds(1), .seconds(2)]
        wanted.maxAttempts = 7
        wanted.timeout = .seconds(3)
        wanted.maxInFlight = 5
        wanted.rateLimit = 2.5
        wanted.payloadFormat = "raw"
        wanted.headers = ["X-Team: billing", "Authorization: Bearer canary"]
        #expect(billing.settings == wanted)
        #expect((billing.name, billing.tenant, billing.line) == ("billing", "acme", 3))
        #expect(billing.secret?.place == .file("/run/secrets/billing"))
        #expect(entries.last?.name == "shipping")
        #expect(entries.last?.settings.timeout == nil)
        #expect(try Self.entries("endpoints: []").isEmpty)
        let bare = try Self.entries("endpoints: [{name: a, url: 'https://a.example/', headers: {}}]")
        #expect(bare.first?.settings.headers == [])
        // & and * mean something only where a value begins.
        let marks = try Self.entries(
            "endpoints:\n- {name: a & *b, url: 'https://a.example/?x=,&y', headers: {X: \"&a *b\"}} # &c *d")
        #expect(marks.first?.name == "a & *b")
        #expect(marks.first?.settings.url == "https://a.example/?x=,&y")
        #expect(marks.first?.settings.headers == ["X: &a *b"])
    }

    private static let good = "endpoints:\n  - name: a\n    url: https://a.example/\n"

    /// Each with the line, the key and a part of the rule.
    private static let faults: [(String, Int?, String?, String)] = [
        ("", nil, nil, "empty"),
        ("- a", 1, nil, "key endpoints"),
        ("a: 1", 1, "a", "no such key"),
        ("endpoint: []", 1, "endpoint", "did you mean endpoints?"),
        ("endpoints:", 1, "endpoints", "no value"),
        ("endpoints: {}", 1, "endpoints", "must be a list"),
        ("endpoints:\n  - x", 2, nil, "must be a map"),
        ("endpoints:\n  - url: https://a.example/", 2, "name", "must have one"),
        ("endpoints:\n  - name: a", 2, "url", "must have one"),
        ("endpoints:\n  - name: ''\n    url: https://a.example/", 2, "name", "is empty"),
        ("endpoints:\n  - name:\n    url: https://a.example/", 2, "name", "no value"),
        (good + "    timeuot: 3s", 4, "timeuot", "did you mean timeout?"),
        (good + "    timeout: 3", 4, "timeout", "no unit"),
        (good + "    timeout: 1h", 4, "timeout", "must be from"),
        (good + "    timeout: [3s]", 4, "timeout", "one value"),
        (good + "    retry_schedule: 5s,1s", 4, "retry_schedule", "shorter"),
        (good + "    max_attempts: many", 4, "max_attempts", "many"),
        (good + "    max_attempts: 99999999999999999999", 4, "max_attempts", "invalid"),
        (good + "    max_in_flight: -1", 4, "max_in_flight", "must be from"),
        (good + "    payload_format: xml", 4, "payload_format", "xml"),
        (good + "    event_types: order.*", 4, "event_types", "must be a list"),
        (good + "    event_types: []", 4, "event_types", "empty"),
        (good + "    event_types: ['order..paid']", 4, "event_types", "order..paid"),
        (good + "    headers: ['X: y']", 4, "headers", "map"),
        (good + "    headers: {Host: a}", 4, "headers", "Host"),
        (good + "    headers:\n      Authorization: {env: NONE}", 5, "Authorization", "NONE is not set"),
        (good + "    headers:\n      Authorization: {vault: x}", 5, "Authorization", "{env: NAME}"),
        (good + "    secret: whsec_canary", 4, "secret", "must not stand in the file"),
        (good + "    tenant: \(String(repeating: "x", count: 513))", 4, "tenant", "512"),
        (good + "    url: https://b.example/", 3, "url", "twice"),
        (good + good.replacing("endpoints:\n", with: ""), 4, "name", "line 2 too"),
        ("endpoints:\n  - name: a\n    url: ftp://a.example/", 3, "url", "http"),
        ("endpoints:\n  - name: a\n    url: https://user:canary@a.example/", 3, "url", "user"),
        ("endpoints: [", nil, nil, "not YAML"),
        ("endpoints: []\n---\nendpoints: []", 2, nil, "not YAML"),
        ("endpoints: []\n\u{1}", nil, nil, "not YAML"),
        ("? [a]\n: b", 1, nil, "a key must be a word"),
        ("endpoints: &all []", 1, nil, "anchors"),
        ("endpoints:\n  - *other", 2, nil, "anchors"),
        ("endpoints: [[[[[[[[[[a]]]]]]]]]]", 1, nil, "deep"),
    ]

    @Test(arguments: faults.indices) func namesLineAndKey(_ index: Int) {
        let (text, line, key, rule) = Self.faults[index]
        let fault = #expect(throws: FileFault.self, "\(text)") { try Self.entries(text) }
        #expect(
            (fault?.line ?? 0, fault?.key) == (line ?? fault?.line ?? 0, key), "\(text): \(String(describing: fault))")
        #expect(fault?.rule.contains(rule) == true, "\(text): \(String(describing: fault))")
        #expect(fault?.rule.contains("canary") != true)
    }

    /// A billion values in ten lines, as a value and as a key, which the parser would have to compare; and nesting without an end.
    @Test(.timeLimit(.minutes(1))) func boundsWhatAFileCosts() {
        let bomb = (1...9).reduce("a0: &a0 [x, x, x, x, x, x, x, x, x]\n") { text, level in
            let reference = "*a\(level - 1)"
            return text + "a\(level): &a\(level) [\(Array(repeating: reference, count: 9).joined(separator: ", "))]\n"
        }
        let began = ContinuousClock.now
        for text in [
            bomb, bomb + "? *a9\n: x\n", "{\"a\":&x [1], \"b\":*x}", "a:\u{a0}\u{2028}*b",
            String(repeating: "[", count: 900),
            String(repeating: "[", count: 1_000_000), String(repeating: "{a: ", count: 900) + "b",
            String(repeating: "- ", count: 900) + "a", String(repeating: "a: \n ", count: 100_000),
            "a: " + String(repeating: "x", count: YAMLValue.sizeLimit),
            "endpoints: [" + String(repeating: "{}, ", count: EndpointFile.limit + 1) + "]",
        ] {
            #expect(throws: FileFault.self, "\(text.prefix(40))") { try Self.entries(text) }
        }
        #expect(began.duration(to: .now) < .seconds(20))
    }

    /// What is one to four bytes away from a file is a file, or is refused; nothing ends the process.
    @Test func outlivesMutants() {
        let corpus = [
            Self.good, Self.faults.map(\.0).joined(separator: "\n"),
            "endpoints:\n- {name: \"a\\x41\\u00e9\", url: 'https://a.example/', headers: {X: |\n  y\n}}\n",
        ]
        var mutator = Mutator(corpus, seed: 11)
        for _ in 0..<1000 { _ = try? Self.entries(mutator.next()) }
    }

    /// An option of `endpoint add` that a file does not know would be lost by an export.
    /// But for credentials and certificates, which have no place in a file.
    @Test func hasAKeyForEachOption() {
        let options = Self.options(EndpointOptions.helpMessage(columns: 200))
            .subtracting(["--auth", "--client-certificate", "--client-key", "--ca", "--help"])
        let known = Set(
            EndpointField.all.flatMap { field in
                field.form == .flag
                    ? field.options(["true", "false"]) : field.options([""]).map { String($0.dropLast()) }
            })
        #expect(options == known)
    }

    /// Words of each field that are right, and words that are not.
    private static let words: [String: (right: [[String]], wrong: [[String]])] = [
        "url": ([["https://a.example/"]], []),
        "event_types": ([["a.b"], ["*", "a.*"], ["--header=x"]], []),
        "retry_schedule": ([["1s"], ["1s,2m"]], [[""], ["1"], ["1s,"], ["1s", "2s"]]),
        "max_attempts": ([["7"], ["+7"], ["-7"], ["007"]], [[""], ["7 "], ["7.0"], ["99999999999999999999"]]),
        "timeout": ([["3s"], ["100ms"], ["9h"]], [[""], ["3"], ["-3s"]]),
        "max_in_flight": ([["0"], ["-1"]], [[""], ["x"], ["0x1"]]),
        "rate_limit": ([["2.5"], ["1e3"], ["0"], ["nan"], ["-inf"]], [[""], ["x"], ["2,5"]]),
        "payload_format": ([["raw"], ["xml"]], []),
        "signature": ([["v1"], ["github", "v1a"], ["hmac:X,sha256,hex,a=b"]], []),
        "method": ([["PUT"], ["put"]], []),
        "text": ([["{a} = b"], ["-"]], []),
        "headers": ([[], ["X: y"], ["X: y", "Y: a=b"], ["no colon"]], []),
        "permanent_status": ([["none"], ["400,4xx"]], []),
        "ordering_failure": ([["park"]], [[""], ["Park"]]),
        "breaker": ([["off"]], [[""], ["true"]]),
        "disable_after": ([["never"], ["5d"], ["x"]], []),
        "filter": ([["$.a > 1"]], []),
        "transform": ([["a.b"]], []),
        "coalesce": ([["true"], ["false"]], [[""], ["yes"], ["TRUE"]]),
        "verify": ([["challenge"]], [[""], ["Challenge"]]),
    ]

    /// A thousand endpoints are read without the parser of command lines, which would take longer than the database.
    @Test func readsWordsAsTheOptionsDo() throws {
        let unset = try EndpointOptions.parse([])
        for field in EndpointField.all {
            let (right, wrong) = try #require(Self.words[field.key])
            for words in right {
                var options = unset
                #expect(field.read.write(words, &options), "\(field.key): \(words)")
                let parsed = try EndpointOptions.parse(field.options(words))
                #expect(Self.outcome(options) == Self.outcome(parsed), "\(field.key): \(words)")
            }
            for words in wrong {
                var options = unset
                #expect(!field.read.write(words, &options), "\(field.key): \(words)")
            }
        }
    }

    /// The settings, or why there are none.
    private static func outcome(_ options: EndpointOptions) -> String {
        do { return "\(try options.settings(url: nil, policy: policy))" } catch { return "\(error)" }
    }

    private static func options(_ help: String) -> Set<String> {
        Set(help.matches(of: /--[a-z-]+/).map { String($0.output) })
    }
}
