import Foundation
import Postgres
import ServiceLifecycle
import Telemetry
import TestSupport
import Testing
import Webhooks

@testable import Server

@Suite("The public door", .timeLimit(.minutes(2)))
struct InboxDoorTests {
    private static let bearer = "name => 'b', scheme => 'bearer', secrets => ARRAY['\(DoorRig.token)']"

    @Test("what is verified is stored byte for byte, once, and nothing else is; the least role is enough")
    func stores() async throws {
        let standard =
            "name => 's', scheme => 'standard', secrets => ARRAY['whsec_VlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlY=']"
        try await DoorRig.with(Self.bearer, standard) { rig in
            _ = try await rig.outbox.connection.query(
                "SELECT postrider.rotate_source_secret('s', 'whsec_q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=')",
                deadline: .seconds(5))
            let bodies = [
                "", "not json", #"{"a":1,"a":2}"#, String(repeating: "[", count: 100_000),
                String(repeating: "x", count: 1 << 20),
                "\u{0}\u{1}é",
            ]
            for body in bodies {
                let first = try await rig.post("b", [DoorRig.bearer, "Content-Type: text/x", "X-Kept: yes"], body)
                #expect(first.status == 200 && first.body.hasSuffix(#""duplicate":false}"# + "\n"), "\(first)")
                let again = try await rig.post("b", [DoorRig.bearer], body)
                #expect(again.body == first.body.replacing("false", with: "true"))
                let digest = try #require(
                    try await rig.value(
                        "SELECT encode(sha256(body), 'hex') || ' ' || duplicates FROM postrider.inbox WHERE id = \(first.body.drop { !$0.isNumber }.prefix { $0.isNumber })"
                    ))
                let wanted = try #require(
                    try await rig.value(
                        "SELECT encode(sha256(decode('\(Data(body.utf8).base64EncodedString())', 'base64')), 'hex')"))
                #expect(digest == wanted + " 1")
            }
            let kept = try await rig.value(
                "SELECT string_agg(DISTINCT (headers ->> 'x-kept') || (headers ? 'authorization') || content_type, ',') FROM postrider.inbox"
            )
            #expect(kept == "yesfalsetext/x")
            #expect(try await rig.value("SELECT DISTINCT remote_address FROM postrider.inbox") == "127.0.0.1")
            // During a rotation the old secret verifies and the new one does.
            for secret in [
                "whsec_VlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlY=",
                "whsec_q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=",
            ] {
                let now = Int64(Date.now.timeIntervalSince1970)
                let value = try WebhookSigner(secrets: [WebhookSecret(secret)]).signature(
                    id: "evt_\(secret.count)\(secret.dropFirst(6).prefix(1))", timestamp: now, body: [0x7B, 0x7D])
                try await until("the secret is known") {
                    try await rig.post(
                        "s",
                        [
                            "webhook-id: evt_\(secret.count)\(secret.dropFirst(6).prefix(1))",
                            "webhook-timestamp: \(now)", "webhook-signature: \(value)",
                        ]
                    ).status == 200
                }
            }
            // A source that is added is known soon.
            _ = try await rig.outbox.connection.query(
                "SELECT postrider.add_source('late', 'bearer', ARRAY['\(DoorRig.token)'])", deadline: .seconds(5))
            let began = ContinuousClock.now
            try await until("a new source is known") { try await rig.post("late").status == 200 }
            #expect(ContinuousClock.now - began < .seconds(3))
        }
    }

    @Test("each refusal has its status and its word, and costs the database nothing")
    func refuses() async throws {
        try await DoorRig.with(
            Self.bearer,
            "name => 's', scheme => 'standard', secrets => ARRAY['whsec_q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=']",
            "name => 'net', scheme => 'none', allow_networks => '{192.0.2.0/24}', trust_proxies => '{127.0.0.0/8}'",
            "name => 'small', scheme => 'bearer', secrets => ARRAY['\(DoorRig.token)'], max_body => 100",
            "name => 'path', scheme => 'bearer', secrets => ARRAY['\(DoorRig.token)'], id_from => '$.id'",
            "name => 'slow', scheme => 'bearer', secrets => ARRAY['\(DoorRig.token)'], rate_limit => 1"
        ) { rig in
            func expect(_ status: Int, _ word: String, _ reply: DoorClient.Reply, line: Int = #line) {
                #expect(
                    reply.status == status && reply.body == #"{"error":"\#(word)"}"# + "\n", "line \(line): \(reply)")
            }
            expect(404, "not_found", try await DoorClient.send("POST", "/", to: rig.address))
            expect(404, "not_found", try await DoorClient.send("POST", "/in/", to: rig.address))
            expect(404, "unknown_source", try await DoorClient.send("POST", "/in/b/c", to: rig.address))
            let absolute = "http://inbox.example/in/b"
            expect(401, "missing_header", try await DoorClient.send("POST", absolute, to: rig.address))
            expect(404, "not_found", try await DoorClient.send("POST", "http://inbox.example", to: rig.address))
            expect(404, "unknown_source", try await rig.post("B"))
            let put = try await DoorClient.send("PUT", "/in/b", to: rig.address)
            expect(405, "method_not_allowed", put)
            #expect(put.head.contains("allow: post, options"))
            expect(405, "method_not_allowed", try await DoorClient.send("GET", "/in/b", to: rig.address))
            let wrong = try await rig.post("b", ["Authorization: Bearer x"])
            expect(401, "wrong_credentials", wrong)
            #expect(wrong.head.contains("www-authenticate: bearer"))
            expect(401, "missing_header", try await rig.post("b", []))
            let old = Date.now.timeIntervalSince1970 - 301
            expect(401, "too_old", try await rig.post("s", try DoorRig.signed("evt_1", "{}", at: old)))
            expect(401, "no_matching_signature", try await rig.post("s", try DoorRig.signed("evt_1", "{}")))
            expect(403, "network", try await rig.post("net", []))
            expect(403, "network", try await rig.post("net", ["X-Forwarded-For: 192.0.2.1, 203.0.113.1"]))
            #expect(try await rig.post("net", ["X-Forwarded-For: 203.0.113.1, 192.0.2.1"]).status == 200)
            #expect(try await rig.post("b", [DoorRig.bearer, "X-Forwarded-For: 192.0.2.9"], "x").status == 200)
            expect(
                413, "body_too_large", try await rig.post("small", [DoorRig.bearer], String(repeating: "x", count: 101))
            )
            #expect(try await rig.post("small", [DoorRig.bearer], String(repeating: "x", count: 100)).status == 200)
            expect(415, "content_encoding", try await rig.post("b", [DoorRig.bearer, "Content-Encoding: gzip"]))
            expect(415, "not_json", try await rig.post("path", [DoorRig.bearer], "<xml/>"))
            expect(415, "id_missing", try await rig.post("path", [DoorRig.bearer], "{}"))
            // Requests of others do not use up what the source may get.
            for _ in 0..<3 { expect(401, "wrong_credentials", try await rig.post("slow", ["Authorization: Bearer x"])) }
            #expect(try await rig.post("slow").status == 200)
            let fast = try await rig.post("slow", [DoorRig.bearer], "[]")
            expect(429, "rate_limited", fast)
            #expect(fast.head.contains("retry-after: 1"))
            #expect(try await rig.value("SELECT count(*) FROM postrider.inbox") == "4")
            let metrics = rig.registry.exposition()
            for line in [
                #"postrider_inbox_commits_total 4"#,
                #"postrider_inbox_refused_total{reason="wrong_credentials",source="b"} 1"#,
                #"postrider_inbox_refused_total{reason="unknown_source",source=""}"#,
                #"postrider_inbox_stored_total{source="net"} 1"#,
            ] { #expect(metrics.contains(line), "\(line) is not in\n\(metrics)") }
        }
    }

    @Test("handshakes are answered, and store nothing")
    func handshakes() async throws {
        try await DoorRig.with(Self.bearer, "name => 'slack', scheme => 'slack', secrets => ARRAY['a-secret']") { rig in
            let meta = "/in/b?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
            let granted = try await DoorClient.send("GET", meta + DoorRig.token, to: rig.address)
            #expect(
                granted.status == 200 && granted.body == "1158201444"
                    && granted.head.contains("content-type: text/plain"))
            #expect(try await DoorClient.send("GET", meta + "x", to: rig.address).status == 401)
            let options = try await DoorClient.send(
                "OPTIONS", "/in/b", to: rig.address,
                ["WebHook-Request-Origin: sender.example", "WebHook-Request-Rate: 10"])
            #expect(options.status == 200 && options.head.contains("webhook-allowed-origin: sender.example"))
            #expect(options.head.contains("webhook-allowed-rate: *") && options.head.contains("allow: post"))
            let body = Array(#"{"type":"url_verification","challenge":"3eZbrw1a"}"#.utf8)
            let signer = try RequestSigner(
                schemes: [.slack],
                secrets: [(WebhookSecret(bytes: Array("a-secret".utf8), byteCounts: 1...64), SharedSecret("a-secret"))])
            let fields = try signer.fields(
                id: "x", timestamp: Int64(Date.now.timeIntervalSince1970), type: "x", body: body)
            let slack = try await DoorClient.send(
                "POST", "/in/slack", to: rig.address, fields.map { "\($0.name): \($0.value)" }, body)
            #expect(slack.status == 200 && slack.body == "3eZbrw1a")
            #expect(try await DoorClient.send("POST", "/in/slack", to: rig.address, [], body).status == 401)
            #expect(try await rig.value("SELECT count(*) FROM postrider.inbox") == "0")
        }
    }

    @Test("connections carry several requests; what is no HTTP, too large or cut off ends them and is not stored")
    func connections() async throws {
        try await DoorRig.with(
            Self.bearer, "name => 'small', scheme => 'bearer', secrets => ARRAY['\(DoorRig.token)'], max_body => 100"
        ) { rig in
            let client = try DoorClient(rig.address)
            for number in 0..<5 {
                #expect(try await client.send("POST", "/in/b", [DoorRig.bearer], Array("\(number)".utf8)).status == 200)
            }
            // In pieces, chunked, and as one who waits for permission.
            let chunked =
                "POST /in/b HTTP/1.1\r\nHost: x\r\n\(DoorRig.bearer)\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
            try await client.write(chunked)
            #expect(try await client.read().status == 100)
            for piece in ["3\r\nab", "c\r\n0", "\r\n\r\n"] {
                try await client.write(piece)
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(try await client.read().status == 200)
            client.close()
            // Without a length, until it is too large.
            let endless = try DoorClient(rig.address)
            try await endless.write(
                "POST /in/small HTTP/1.1\r\nHost: x\r\n\(DoorRig.bearer)\r\nTransfer-Encoding: chunked\r\n\r\n")
            try await endless.write("70\r\n" + String(repeating: "x", count: 0x70) + "\r\n")
            #expect(try await endless.read().status == 413)
            endless.close()
            // A body that is announced and does not come to its end.
            let cut = try DoorClient(rig.address)
            try await cut.write(
                "POST /in/b HTTP/1.1\r\nHost: x\r\n\(DoorRig.bearer)\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
            )
            cut.close()
            let short = try DoorClient(rig.address)
            try await short.write(
                "POST /in/b HTTP/1.1\r\nHost: x\r\n\(DoorRig.bearer)\r\nContent-Length: 10\r\n\r\nhello")
            short.close()
            for text in [
                "GARBAGE\r\n\r\n", "POST /in/b HTTP/1.1\r\nA: \(String(repeating: "x", count: 20_000))\r\n\r\n",
                "POST /in/b HTTP/1.1\r\n" + (0..<200).map { "X-\($0): 1\r\n" }.joined() + "\r\n",
                "POST /in/b HTTP/1.1\r\n\(DoorRig.bearer)\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST /in/b HTTP/1.1\r\n\(DoorRig.bearer)\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
            ] {
                let bad = try DoorClient(rig.address)
                try await bad.write(text)
                #expect(try await bad.read().status == 400, "\(text.prefix(60))")
                bad.close()
            }
            #expect(try await rig.post("b", [DoorRig.bearer], "last").status == 200)
            #expect(
                try await rig.value("SELECT string_agg(encode(body, 'escape'), ' ' ORDER BY id) FROM postrider.inbox")
                    == "0 1 2 3 4 abc last")
        }
    }

    @Test(
        "requests that come all at once are answered in their order, the refused among them too, until one is the last")
    func pipelined() async throws {
        try await DoorRig.with(Self.bearer) { rig in
            func request(_ source: String, _ token: String, _ body: String, _ more: String = "") -> String {
                "POST /in/\(source) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(token)\r\nContent-Length: \(body.utf8.count)\r\n\(more)\r\n\(body)"
            }
            let client = try DoorClient(rig.address)
            defer { client.close() }
            try await client.write(
                request("b", DoorRig.token, "1") + request("b", "wrong", "2") + request("none", "wrong", "3")
                    + request("b", DoorRig.token, "4")
                    // Too large for where small ones are verified.
                    + request("b", "wrong", String(repeating: "x", count: 100_000))
                    + request("b", DoorRig.token, String(repeating: "x", count: 100_000), "Connection: close\r\n"))
            #expect(try await client.statuses(6) == [200, 401, 404, 200, 401, 200])
            #expect(await client.isClosed())
            #expect(
                try await rig.value("SELECT string_agg(length(body)::text, ' ' ORDER BY id) FROM postrider.inbox")
                    == "1 1 100000")
        }
    }

    @Test("a stop answers what has come, ends what has not, and takes no more")
    func stops() async throws {
        try await DoorRig.with(Self.bearer, drain: .seconds(2)) { rig in
            let half = try DoorClient(rig.address)
            try await half.write("POST /in/b HTTP/1.1\r\nHost: x\r\n\(DoorRig.bearer)\r\nContent-Length: 9\r\n\r\nx")
            let holder = try await rig.outbox.connect()
            let answer = try await holder.withTransaction(deadline: .seconds(20)) { transaction in
                try await transaction.execute(script: "LOCK TABLE postrider.inbox_ids", deadline: .seconds(5))
                let answer = Task { try await rig.post("b") }
                try await until("the request waits for the database") {
                    try await rig.value(
                        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'postrider.inbox_ids'::regclass"
                    ) != "0"
                }
                await rig.group.triggerGracefulShutdown()
                try await Task.sleep(for: .milliseconds(200))
                return answer
            }
            let reply = try await answer.value
            #expect(reply.status == 200)
            await #expect(throws: (any Error).self) { try await rig.post("b") }
            half.close()
            await holder.close()
            #expect(try await rig.value("SELECT count(*) FROM postrider.inbox") == "1")
        }
    }
}
