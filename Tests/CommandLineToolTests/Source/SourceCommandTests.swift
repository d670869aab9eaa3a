import Foundation
import OutboxStore
import Settings
import TestSupport
import Testing
import Webhooks

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct SourceCommandTests {
    @Test func sourcesAreAddedChangedAndRemoved() async throws {
        try await Installation.with { (installation) async throws in
            #expect(await installation.run("source", "list").error.hasPrefix("There are no sources yet."))
            let added = await installation.run("source", "add", "shop", "--scheme", "standard", "--json")
            #expect(try (added.json()["secret"] as? String)?.hasPrefix("whsec_") == true, "\(added.error)")
            let github = await installation.run(
                "source", "add", "github", "--scheme", "github", "--secret", "-", "--correlation-from",
                "$.repository.full_name", "--allow-network", "192.0.2.0/24", "--max-body", "64KiB", "--publish-as",
                "git",
                input: "It's a Secret to Everybody\nrest")
            #expect(github.output == "Added source github, received under /in/github.\n", "\(github.error)")
            #expect(
                try await installation.sql("SELECT secrets[1] FROM postrider.load_sources() WHERE name = 'github'")
                    == "It's a Secret to Everybody")
            for (arguments, problem) in [
                (["shop", "--scheme", "github"], "there is already a source named 'shop'"),
                (["a/b", "--scheme", "github"], "name must be"), (["a", "--scheme", "md5"], "scheme is none of"),
                (["a", "--scheme", "none"], "allow_networks must be given"),
                (["a", "--scheme", "stripe"], "secrets must be given with the scheme stripe"),
                (["a", "--scheme", "jwt", "--allow-network", "1.2.3.4"], "no prefix length"),
                (["a", "--scheme", "jwt", "--max-body", "1MB"], "--max-body must be a size"),
                (["a", "--scheme", "jwt", "--id-from", "id"], "id_from must be $.a.b"),
            ] {
                let refused = await installation.run(["source", "add"] + arguments)
                #expect(refused.status == .badData && refused.error.contains(problem), "\(refused.error)")
            }
            let changed = await installation.run(
                "source", "update", "github", "--any-network", "--rate-limit", "50", "--publish-as", "", "--json")
            #expect(try changed.json()["rate_limit"] as? Double == 50, "\(changed.error)")
            #expect(try (changed.json()["allow_networks"] as? [String])?.isEmpty == true)
            #expect(try changed.json()["publish_as"] == nil)
            let rotated = await installation.run("source", "rotate-secret", "shop", "--grace", "1h")
            #expect(rotated.output.contains("The new secret, which is not shown again: whsec_"), "\(rotated.error)")
            #expect(await installation.run("source", "show", "shop").output.contains("Secrets                 2\n"))
            let offered = await installation.run(
                "---completion", "source", "show", "--", "positional@0", "3", "0",
                "postrider", "source", "show", "gi")
            #expect(offered.output == "github\n")
            #expect(await installation.run("source", "show", "none").status == .badData)
            #expect(await installation.run("source", "remove", "shop").status == .usage)
            #expect(
                await installation.run("source", "remove", "shop", "--yes").output
                    == "Removed source shop; 0 rows ended unprocessed.\n")
        }
    }

    @Test func whatTestSendsIsWhatTheSchemeVerifies() async throws {
        try await Installation.with { (installation) async throws in
            let receiver = try ScriptedReceiver()
            defer { receiver.stop() }
            let schemes = [
                ("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), ("github", "a text"), ("stripe", "whsec_text"),
                ("shopify", "a text"), ("slack", "a text"), ("hmac:X-Mine,sha512,base64,v1=", "a text"),
                ("bearer", "a-token"), ("basic", "user:a text"), ("jwt", "a text"),
                ("jwt", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            ]
            for (number, (scheme, secret)) in schemes.enumerated() {
                let name = "s\(number)"
                let added = await installation.run("source", "add", name, "--scheme", scheme, "--secret", secret)
                #expect(added.status == .done, "\(added.error)")
                let tested = await installation.run("source", "test", name, "--url", receiver.url())
                #expect(tested.status == .done, "\(scheme): \(tested.error)")
                let request = try #require(receiver.requests.last)
                #expect(receiver.requests.count == number + 1)
                let verifier = try RequestVerifier(scheme: try SourceScheme(scheme), secrets: [secret])
                #expect(throws: Never.self, "\(scheme)") {
                    try verifier.verify(
                        headers: request.headers, body: request.body, now: Int64(Date().timeIntervalSince1970))
                }
                let other = try RequestVerifier(
                    scheme: try SourceScheme(scheme), secrets: ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])
                #expect(throws: WebhookVerificationError.self, "\(scheme)") {
                    try other.verify(
                        headers: request.headers, body: request.body, now: Int64(Date().timeIntervalSince1970))
                }
            }
        }
    }

    @Test func secretsAreSealedAndSealedAgain() async throws {
        try await TemporaryFolder.with { folder in
            let file = folder.appending(path: "keys")
            func write(_ lines: String...) throws {
                try Data(lines.joined(separator: "\n").utf8).write(to: file)
                try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: file.path)
            }
            let (old, new) = (String(repeating: "ab", count: 32), String(repeating: "cd", count: 32))
            try write("old:\(old)")
            let environment = ["POSTRIDER_SECRET_KEY_FILE": file.path]
            try await Installation.with { (installation) async throws in
                let stored = "SELECT secrets[1] FROM postrider.load_sources()"
                let added = await installation.run(
                    "source", "add", "shop", "--scheme", "standard", "--json", environment: environment)
                let secret = try #require(try added.json()["secret"] as? String)
                #expect(try await installation.sql(stored)?.hasPrefix("sealed:v1:old:") == true)
                try FileManager.default.removeItem(at: file)
                try write("new:\(new)", "old:\(old)")
                let resealed = await installation.run("secrets", "reseal", environment: environment)
                #expect(
                    resealed.output == "Sealed 1 secret of 0 endpoints and 1 source with key new.\n",
                    "\(resealed.error)")
                let sealed = try #require(try await installation.sql(stored))
                let sealing = try SecretSealing(keyFile: Array("new:\(new)".utf8))
                #expect(
                    try sealing.open(sealed, for: SealingContext(endpoint: "shop", tenant: "", purpose: .sourceSecret))
                        == secret)
                let rotated = await installation.run(
                    "source", "rotate-secret", "shop", "--secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "--json",
                    environment: environment)
                #expect(try rotated.json()["secret"] == nil, "\(rotated.error)")
                #expect(try await installation.sql(stored)?.hasPrefix("sealed:v1:new:") == true)
            }
        }
    }

    @Test func rowsAreListedReplayedAndDiscarded() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run(
                "source", "add", "shop", "--scheme", "bearer", "--secret", "a token", "--retry-schedule", "1h")
            try await installation.sql(
                """
                SELECT count(*) FROM postrider.receive('{1,1,1}', '{a,b,c}', '{t,t,t}', '{1,1,2}', '{NULL,NULL,NULL}',
                    '{"{}","{}","{}"}', ARRAY['{"n": 1}', '\\xff', '']::bytea[], '{192.0.2.1,192.0.2.1,192.0.2.1}')
                """)
            try await installation.sql("SELECT postrider.finish_inbox(1), postrider.fail_inbox(3, 'boom')")
            try await installation.sql("SELECT postrider.fail_inbox(3, 'boom')")
            func ids(_ arguments: String...) async throws -> [Int] {
                try await installation.run(["inbox", "list", "--json"] + arguments).objects("rows").compactMap {
                    $0["id"] as? Int
                }
            }
            #expect(try await ids() == [3, 2, 1])
            #expect(try await ids("--limit", "2") == [3, 2])
            #expect(try await ids("--before", "2") == [1])
            #expect(try await ids("--status", "dead") == [3])
            #expect(try await ids("--status", "queued") == [2])
            #expect(try await ids("--source", "shop", "--correlation", "1", "--webhook-id", "a") == [1])
            #expect(try await ids("--until", "1h") == [])
            #expect(await installation.run("inbox", "list", "--source", "x").status == .badData)
            let status = await installation.run("status")
            #expect(status.output.contains("1 row of source shop could not be processed"), "\(status.output)")
            let doctor = await installation.run("doctor")
            #expect(doctor.output.contains("warning  sources: 1 row of source shop could not be processed\n"))

            let shown = await installation.run("inbox", "show", "2", "--json")
            #expect(try shown.json()["body_base64"] as? String == "/w==")
            #expect(await installation.run("inbox", "show", "1").output.contains(#"  {"n": 1}"#))
            #expect(await installation.run("inbox", "show", "99").status == .badData)

            let preview = await installation.run("inbox", "replay", "--source", "shop", "--dry-run")
            #expect(preview.output == "Would replay 1 row; nothing was changed.\n", "\(preview.error)")
            #expect(
                await installation.run("inbox", "replay", "--source", "shop", answer: "no").status == .failure)
            #expect(await installation.run("inbox", "replay", "--source", "shop").output == "Replayed 1 row.\n")
            #expect(await installation.run("inbox", "replay", "1", "2", "3").output == "Replayed 1 row.\n")
            #expect(await installation.run("inbox", "replay", "1", "99").status == .badData)
            #expect(
                await installation.run("inbox", "discard", "1", "--why", "a test").output
                    == "Discarded row 1 of the inbox.\n")
            #expect(
                try await installation.sql("SELECT why FROM postrider.audit_log ORDER BY id DESC LIMIT 1") == "a test")
        }
    }
}
