import TestSupport
import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct ExpectationCommandTests {
    @Test func theyAreListedShownAndWithdrawnAndMissedOnesAreToldOf() async throws {
        try await Installation.with { (installation) async throws in
            #expect(await installation.run("expectation", "list").error.hasPrefix("There are no such expectations."))
            #expect(await !installation.run("doctor", "--offline").output.contains("expectations:"))
            _ = try await installation.sql("SELECT made_secret FROM postrider.add_source('shop', 'github')")
            _ = try await installation.sql("SELECT postrider.expect('order 1', '100 ms', 'shop')")
            _ = try await installation.sql(
                """
                SELECT postrider.expect('order 2', '2 h', 'shop', 'poll', 'https://shop.example/2', '{"Authorization": "canary"}',
                                     done_when => '$.status == "paid"')
                """)
            var census = await installation.run("status", "--json")
            #expect(try census.json()["expectations_waiting"] as? Int == 2, "\(census.error)")
            #expect(
                await installation.run("doctor", "--offline").output.contains(
                    "expectations: 2 callbacks are waited for\n"))
            _ = try await installation.sql("SELECT postrider.end_due(10) FROM pg_sleep(0.2)")
            census = await installation.run("status", "--json")
            #expect(try census.json()["expectations_missed"] as? Int == 1)
            #expect(
                await installation.run("status").output.contains(
                    "1 callback never came: postrider expectation list --state missed."))
            #expect(
                await installation.run("doctor", "--offline").output.contains(
                    "warning  expectations: 1 callback never came\n"))
            let listed = await installation.run("expectation", "list", "--state", "missed")
            #expect(listed.output.contains("shop    order 1      missed  escalate"), "\(listed.output)")
            #expect(await installation.run("expectation", "list", "--state", "lost").status == .badData)
            #expect(await installation.run("expectation", "list", "--source", "none").status == .badData)
            let page = await installation.run("expectation", "list", "--source", "shop", "--limit", "1", "--json")
            #expect(try (page.json()["next"] as? Int) == 2, "\(page.error)")
            let shown = await installation.run("expectation", "show", "2")
            #expect(shown.output.hasPrefix("Expectation 2: order 2 from shop\n"), "\(shown.error)")
            #expect(shown.output.contains(#"$."status" == "paid""#) && !shown.output.contains("canary"))
            let json = await installation.run("expectation", "show", "2", "--json")
            #expect(
                try json.json()["poll_url"] as? String == "https://shop.example/2" && !json.output.contains("canary"))
            #expect(await installation.run("expectation", "show", "7").status == .badData)
            #expect(
                await installation.run("expectation", "withdraw", "1", "--why", "seen", "--yes").output
                    == "Withdrew expectation 1.\n")
            let again = await installation.run("expectation", "withdraw", "1", "--yes")
            #expect(again.status == .badData && again.error.contains("expectation 1 has ended"), "\(again.error)")
            #expect(
                try await installation.sql("SELECT act || ' ' || why FROM postrider.audit_log ORDER BY id DESC LIMIT 1")
                    == "withdraw seen")
        }
    }
}
