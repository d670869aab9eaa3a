import TestSupport
import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct EndpointFindingTests {
    @Test func findsByTenantTypeStateAndText() async throws {
        try await Installation.with { (installation) async throws in
            for (name, tenant, type) in [
                ("a", "", "order.*"), ("b", "acme", "order.paid"), ("c", "acme", "*"), ("d", "", "x.y"),
            ] {
                _ = await installation.run(
                    "endpoint", "add", name, "http://127.0.0.1:8099/\(name)Hook", "--tenant", tenant, "--event-type",
                    type)
            }
            _ = await installation.run("endpoint", "pause", "c")
            for (options, names) in [
                ([], ["a", "b", "c", "d"]), (["--tenant", "acme"], ["b", "c"]), (["--tenant", ""], ["a", "d"]),
                (["--type", "order.paid"], ["a", "b", "c"]), (["--type", "order.sent"], ["a", "c"]),
                (["--type", "order.*"], ["a", "b", "c"]), (["--type", "*"], ["a", "b", "c", "d"]),
                (["--status", "paused"], ["c"]), (["--status", "active", "--tenant", "acme"], ["b"]),
                (["--text", "/AHOOK"], ["a"]), (["--text", "nowhere"], []), (["--after", "b"], ["c", "d"]),
            ] {
                let found = try await installation.run(["endpoint", "list", "--json"] + options).objects("endpoints")
                #expect(found.map { $0["endpoint"] as? String } == names, "\(options)")
            }
            let page = await installation.run("endpoint", "list", "--limit", "2")
            #expect(
                page.error
                    == "There may be more: --after b --after-tenant acme lists those behind it, --limit more at once.\n"
            )
            #expect(
                try await installation.run("endpoint", "list", "--limit", "2", "--json").json()["next"] as? String
                    == "b")
            #expect(
                await installation.run("endpoint", "list", "--text", "none").error == "There are no such endpoints.\n")
            #expect(await installation.run("endpoint", "list", "--status", "gone").status == .badData)
        }
    }
}
