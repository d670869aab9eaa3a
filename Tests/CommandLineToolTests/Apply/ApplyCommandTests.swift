import Foundation
import OutboxStore
import Postgres
import Settings
import TestSupport
import Testing
import Webhooks

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct ApplyCommandTests {
    private static let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

    private static let two = """
        endpoints:
          - name: billing
            url: https://billing.example.com/hooks
            event_types: [order.*, invoice.sent]
            timeout: 3s
            rate_limit: 2.5
            headers: {Authorization: {env: TOKEN}}
          - name: shipping
            tenant: acme
            url: https://shipping.example.com/?a=1,&b=2
            secret: {env: SECRET}
        """
    private static let variables = ["TOKEN": "Bearer canary", "SECRET": Self.secret]

    @Test func makesTheEndpointsAsTheFileSays() async throws {
        try await Installation.with { (installation) async throws in
            func apply(_ file: String, _ options: String..., environment: [String: String] = Self.variables) async
                -> Outcome
            {
                await installation.run(["apply", "-f", "-", "--json"] + options, input: file, environment: environment)
            }
            let dry = await apply(Self.two, "--dry-run")
            #expect(dry.status == .done, "\(dry.error)")
            #expect(try dry.json()["applied"] as? Bool == false)
            #expect(try await installation.sql("SELECT count(*) FROM postrider.endpoints") == "0")

            let added = await apply(Self.two)
            #expect(added.status == .done, "\(added.error)")
            let changes = try added.objects("changes")
            #expect(changes.map { $0["endpoint"] as? String } == ["billing", "shipping"])
            let made = try #require(changes[0]["secret"] as? String)
            #expect(changes[1]["secret"] == nil)
            #expect(changes[1]["secret_fingerprint"] as? String == (try WebhookSecret(Self.secret).fingerprint))
            #expect(!added.output.contains("canary"))
            let stored = "SELECT string_agg(secret, ' ' ORDER BY endpoint_id) FROM postrider.endpoint_secrets"
            #expect(try await installation.sql(stored) == "\(made) \(Self.secret)")
            #expect(
                try await installation.sql("SELECT headers::text FROM postrider.endpoints WHERE name = 'billing'")
                    == "{\"Authorization: Bearer canary\"}")

            // Again: nothing. Not even the variable of a secret that is there is needed.
            let again = await apply(Self.two, environment: ["TOKEN": "Bearer canary"])
            #expect(try again.json()["unchanged"] as? Int == 2)
            #expect(try again.json()["applied"] as? Bool == false)
            #expect(
                try await installation.sql("SELECT count(*) FROM postrider.endpoints WHERE updated_at > created_at")
                    == "0")

            let token = await apply(Self.two, environment: ["TOKEN": "Bearer other", "SECRET": Self.secret])
            #expect(try token.json()["changed"] as? Int == 1)
            #expect(!(token.output + token.error).contains("other"))
            // A setting that is left out goes back to its default, and headers stay.
            let bare = await apply(
                "endpoints: [{name: billing, url: 'https://billing.example.com/hooks', timeout: 3s}]")
            #expect(
                try bare.objects("changes").first?["settings"] as? [[String: String]] == [
                    ["setting": "event_types", "from": "invoice.sent,order.*", "to": "*"],
                    ["setting": "rate_limit", "from": "2.5", "to": "0"],
                ])
            #expect(
                try await installation.sql("SELECT headers::text FROM postrider.endpoints WHERE name = 'billing'")
                    == "{\"Authorization: Bearer other\"}")
        }
    }

    @Test func signsAsTheFileSays() async throws {
        try await Installation.with { (installation) async throws in
            func apply(_ file: String) async -> Outcome {
                await installation.run(["apply", "-f", "-"], input: file, environment: ["SECRET": "it's a text"])
            }
            let shop = """
                endpoints:
                  - {name: shop, url: 'https://shop.example.com/', signature: [github, shopify], secret: {env: SECRET}}
                  - {name: chat, url: 'https://chat.example.com/', payload_format: slack, text: 'Order {n}', method: PUT}
                """
            #expect(await apply(shop).status == .done)
            #expect(
                try await installation.sql(
                    "SELECT signature::text || method FROM postrider.endpoints WHERE name = 'shop'")
                    == "{github,shopify}POST")
            #expect(await apply(shop).output.hasPrefix("Nothing to do"))
            let changed = await apply(shop.replacing("[github, shopify]", with: "[v1, v1a]"))
            #expect(changed.output.contains("signature: github,shopify → v1,v1a"), "\(changed.error)")
            #expect(
                try await installation.sql(
                    "SELECT count(*) FROM postrider.endpoint_secrets WHERE public_key LIKE 'whpk_%'") == "1")
            let exported = await installation.run("endpoint", "export")
            #expect(exported.output.contains("signature: [v1, v1a]") && exported.output.contains("text: "))
            #expect(await apply(exported.output).output.hasPrefix("Nothing to do"), "\(exported.output)")
        }
    }

    @Test func takesAwayWhatTheFileLeavesOut() async throws {
        try await Installation.with { (installation) async throws in
            func apply(_ more: String) async -> Outcome {
                await installation.run(
                    ["apply", "-f", "-"],
                    input: "endpoints: [{name: chat, url: 'https://chat.example.com/', payload_format: slack\(more)}]")
            }
            #expect(await apply(", text: 'Order {n}', filter: '$.n > 1', permanent_status: 4xx").status == .done)
            let bare = await apply("")
            #expect(bare.status == .done, "\(bare.error)")
            #expect(
                try await installation.sql(
                    "SELECT concat(text, filter, array_to_string(permanent_status, ',')) FROM postrider.endpoints")
                    == "")
            #expect(await apply("").output.hasPrefix("Nothing to do"))
        }
    }

    @Test func takesBackWhatIsExported() async throws {
        try await Installation.with { (installation) async throws in
            let names = ["plain", "no", "4711", "it's a \"name\" & *more*", Hostile.longName]
            for (index, name) in names.enumerated() {
                let added = await installation.run(
                    [
                        "endpoint", "add", name, "https://a\(index).example.com/?q=[", "--tenant",
                        index < 2 ? "" : "t: \u{1b}&x",
                    ].map {
                        $0.replacing("[", with: ",&x")
                    }
                        + (index == 0
                            ? []
                            : [
                                "--event-type", "order.*", "--event-type", "*", "--max-attempts", "3",
                                "--retry-schedule", "1s,1m,90s", "--timeout", "1500ms", "--rate-limit", "0.1",
                                "--max-in-flight", "7",
                                "--payload-format", "raw", "--header", "X-Team: canary", "--coalesce",
                                "--filter", #"$.a == "x: {y}" && !($.b like_regex "^#.*$")"#, "--transform",
                                "pg_catalog.jsonb_pretty",
                            ]))
                #expect(added.status == .done, "\(added.error)")
            }
            // By SQL's door, in a form that no command writes.
            try await installation.sql(
                "SELECT postrider.register_endpoint('sql', 'HTTPS://SQL.example:443', timeout => '1234567 us', rate_limit => 0.3)"
            )
            let exported = await installation.run("endpoint", "export")
            #expect(exported.status == .done && exported.isHarmless, "\(exported.error)")
            #expect(!exported.output.contains("canary") && !exported.output.contains("whsec_"))
            #expect(exported.output.contains("# headers, which stay as they are: X-Team"))
            for file in [exported.output, await installation.run("endpoint", "export", "--json").output] {
                let back = await installation.run("apply", "-f", "-", "--prune", "--json", input: file)
                #expect(back.status == .done, "\(back.error)\n\(file)")
                #expect(try back.json()["unchanged"] as? Int == names.count + 1)
                #expect(try back.objects("changes").isEmpty)
            }
            let one = await installation.run("endpoint", "export", "plain")
            #expect(
                one.output
                    == "endpoints:\n  - name: plain\n    url: \"https://a0.example.com/?q=,&x\"\n    event_types: [\"*\"]\n"
            )
            let tenant = try await installation.run("endpoint", "export", "--tenant", "", "--json").objects("endpoints")
            #expect(tenant.map { $0["name"] as? String } == ["no", "plain", "sql"])
            #expect(await installation.run("endpoint", "export", "none").status == .badData)
        }
    }

    @Test func appliesAllOrNothing() async throws {
        try await Installation.with { (installation) async throws in
            try await installation.sql("SELECT postrider.register_endpoint('a', 'https://a.example.com/')")
            // The file is good; the database refuses its last change.
            try await installation.sql(
                """
                CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'no more'; END $$
                """)
            try await installation.sql(
                "CREATE TRIGGER refuse BEFORE INSERT ON postrider.endpoints FOR EACH ROW WHEN (NEW.name = 'z') EXECUTE FUNCTION public.refuse()"
            )
            let file = """
                endpoints:
                  - {name: a, url: 'https://a.example.com/', timeout: 3s}
                  - {name: b, url: 'https://b.example.com/'}
                  - {name: z, url: 'https://z.example.com/'}
                """
            let refused = await installation.run("apply", "-f", "-", input: file)
            #expect(refused.status == .badData && refused.output.isEmpty, "\(refused.output)")
            #expect(refused.error == "postrider: endpoint 'z': no more\n", "\(refused.error)")
            #expect(try await installation.sql("SELECT string_agg(name, ',') FROM postrider.endpoints") == "a")
            #expect(try await installation.sql("SELECT timeout::text FROM postrider.lanes") == "00:00:15")
            let faulty = await installation.run(
                "apply", "-f", "-", input: file + "\n  - {name: c, url: 'https://c.example.com/', timeout: 3}")
            #expect(faulty.status == .badData)
            #expect(faulty.error.hasPrefix("postrider: standard input:5: timeout: "), "\(faulty.error)")
            let missing = await installation.run("apply", "-f", "/nowhere/endpoints.yaml")
            #expect(missing.error == "postrider: /nowhere/endpoints.yaml: it does not exist\n")
        }
    }

    @Test func prunesWhenAskedAndAnswered() async throws {
        try await Installation.with { (installation) async throws in
            let folder = try TemporaryFolder()
            let path = folder.url.path() + "/endpoints.yaml"
            try Data("endpoints: [{name: a, url: 'https://a.example.com/', secret: {file: secret}}]".utf8)
                .write(to: URL(filePath: path))
            try Data("\(Self.secret)\n".utf8).write(to: URL(filePath: folder.url.path() + "/secret"))
            for (name, tenant) in [("old", ""), ("other", "acme")] {
                _ = await installation.run("endpoint", "add", name, "https://b.example.com/", "--tenant", tenant)
            }
            #expect(await installation.run("apply", "-f", path, "--prune").status == .usage)
            let no = await installation.run("apply", "-f", path, "--prune", answer: "no")
            #expect(no.status == .failure && no.output.contains("- old"))
            #expect(
                try await installation.sql("SELECT count(*) FROM postrider.endpoints WHERE state <> 'removed'") == "2")
            let yes = await installation.run("apply", "-f", path, "--prune", "--yes")
            #expect(yes.output.hasSuffix("1 added, 0 changed, 1 removed, 0 unchanged.\n"), "\(yes.output)\(yes.error)")
            #expect(
                try await installation.sql(
                    "SELECT string_agg(name, ',' ORDER BY name) FROM postrider.endpoints WHERE state <> 'removed'")
                    == "a,other")
            #expect(
                try await installation.sql(
                    "SELECT secret FROM postrider.endpoint_secrets WHERE endpoint_id = (SELECT id FROM postrider.endpoints WHERE name = 'a')"
                )
                    == Self.secret)
        }
    }

    /// As many as three round trips take, of every kind; each with headers, which only the database can compare.
    @Test func changesHundredsInFewRoundTrips() async throws {
        try await Installation.with { (installation) async throws in
            let connection = try await installation.database.connect()
            let count = 2 * EndpointChange.batch + 50
            for timeout in [3, 4] {
                let entries = (0..<count).map { number in
                    var settings = EndpointSettings()
                    settings.url = "https://e\(number).example.com/"
                    settings.timeout = .seconds(timeout)
                    settings.headers = ["X: \(timeout)"]
                    return EndpointEntry(name: "e\(number)", line: 1, tenant: "", settings: settings, secret: nil)
                }
                let change = EndpointChange(
                    entries: entries, prunes: false, configuration: WorkerConfiguration(),
                    outside: OutsideTexts(environment: [:], folder: ""))
                let before = await connection.roundTrips
                let plan = try await change.plan(on: connection)
                let context = Recording().context()
                let progress = Progress("")
                try await change.make(
                    plan, change.secrets(for: plan, in: context), in: context, on: connection, progress)
                #expect(
                    plan.changes.count == count
                        && plan.changes.allSatisfy { $0.action == (timeout == 3 ? .add : .change) })
                #expect(await connection.roundTrips - before < 25)
                #expect(progress.text == "changing endpoints, 400 of 450")
            }
            #expect(
                try await installation.sql("SELECT count(*) FROM postrider.endpoints WHERE headers = '{X: 4}'") == "450"
            )
            await connection.close()
        }
    }

    /// With the rights of an operator; many at once; and beside a session that holds one of them.
    @Test func changesManyAsAnOperator() async throws {
        try await Installation.with { (installation) async throws in
            let login = "an_applier_\(installation.database.name)"
            try await installation.sql("CREATE ROLE \(login) LOGIN IN ROLE postrider_operator")
            let url = installation.database.url.replacing("postgres@", with: "\(login)@")
            @Sendable func file(_ timeout: String) -> String {
                "endpoints:\n"
                    + (0..<40).map {
                        "- {name: e\($0), url: 'https://e\($0).example.com/', timeout: \(timeout), headers: {X: y}}\n"
                    }.joined()
            }
            @Sendable func apply(_ timeout: String) async -> Outcome {
                await installation.run("apply", "-f", "-", "--json", "--database-url", url, input: file(timeout))
            }
            let added = await apply("3s")
            #expect(try added.json()["added"] as? Int == 40, "\(added.error)")
            let holder = try await installation.database.connect()
            let (free, waiting) = try await holder.withTransaction(deadline: TestDatabase.deadline) { transaction in
                _ = try await transaction.query(
                    "SELECT postrider.pause_endpoint('e7')", deadline: TestDatabase.deadline)
                let waiting = Task { await apply("4s") }
                try await installation.waitForBlocked()
                // It holds no lane as long as it waits for an endpoint.
                let free = try await installation.sql(
                    "SELECT count(*) FROM (SELECT FROM postrider.lanes FOR UPDATE SKIP LOCKED) l")
                return (free, waiting)
            }
            await holder.close()
            let changed = await waiting.value
            #expect(free == "39")
            #expect(try changed.json()["changed"] as? Int == 40, "\(changed.error)")
            #expect(
                try await installation.sql("SELECT DISTINCT timeout::text FROM postrider.lanes") == "00:00:04")
            try await installation.sql("DROP ROLE \(login)")
        }
    }
}
