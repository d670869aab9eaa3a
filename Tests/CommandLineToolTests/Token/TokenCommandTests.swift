import Foundation
import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(1))) struct TokenCommandTests {
    @Test func tokensAreAddedListedAndRevoked() async throws {
        try await Installation.with { (installation) async throws in
            #expect(await installation.run("token", "list").error.hasPrefix("There are no tokens."))
            let added = await installation.run("token", "add", "acme", "--tenant", "acme", "--expires", "90d", "--json")
            let token = try #require(try added.json()["token"] as? String, "\(added.error)")
            #expect(token.hasPrefix("prt_") && token.count == 47)
            #expect(
                try await installation.sql("SELECT count(*) FROM postrider.tokens WHERE hash = sha256('\(token)')")
                    == "1")
            let reading = await installation.run("token", "add", "reader", "--tenant", "acme", "--read-only")
            #expect(
                reading.output.hasPrefix("Added token reader of tenant acme, which may only read.\n"),
                "\(reading.error)")
            for (arguments, status, problem) in [
                (["acme", "--tenant", "b"], CommandStatus.badData, "there is already a token named 'acme'"),
                (["x", "--tenant", ""], .badData, "tenant must be 1 to 512 bytes"),
                (["", "--tenant", "b"], .badData, "name must be"), (["x"], .usage, "--tenant"),
                (["x", "--tenant", "b", "--expires", "1s"], .badData, "--expires"),
            ] {
                let refused = await installation.run(["token", "add"] + arguments)
                #expect(refused.status == status && refused.error.contains(problem), "\(arguments) \(refused.error)")
            }
            #expect(await installation.run("token", "revoke", "acme").output == "Revoked token acme of tenant acme.\n")
            #expect(await installation.run("token", "revoke", "acme").status == .badData)
            // The name is free.
            #expect(await installation.run("token", "add", "acme", "--tenant", "acme").status == .done)
            let list = await installation.run("token", "list", "--tenant", "acme", "--json")
            let states = try (list.json()["tokens"] as? [[String: Any]])?.map {
                "\($0["name"] ?? "") \($0["state"] ?? "")"
            }
            #expect(states == ["acme active", "acme revoked", "reader active"])
            #expect(await installation.run("token", "list", "--tenant", "b").output.isEmpty)
            #expect(!list.output.contains("prt_") && !added.error.contains("prt_"))
        }
    }
}
