import Foundation
import OutboxStore
import Postgres
import TestSupport
import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct EventTypeCommandTests {
    private static let schema =
        #"{"type":"object","required":["order_id"],"properties":{"order_id":{"type":"integer"},"secret":{"type":"string"}}}"#

    @Test func describesTypesAndHoldsPublishedPayloadsAgainstThem() async throws {
        try await TemporaryFolder.with { folder in
            let files = [
                "schema": Self.schema, "good": #"{"order_id": 42}"#, "bad": #"{"order_id": "x"}"#,
                "odd": #"{"unevaluatedItems":false}"#,
            ]
            for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
            func path(_ name: String) -> String { folder.appending(path: name).path }
            try await Installation.with { (installation) async throws in
                let bad = await installation.run(
                    "event-type", "add", "order.paid", "--schema", path("schema"), "--example", path("bad"))
                #expect(
                    bad.status == .badData
                        && bad.error.contains("the example does not fit the schema: $.order_id must be of type integer")
                )
                let odd = await installation.run("event-type", "add", "order.paid", "--schema", path("odd"))
                #expect(odd.status == .badData && odd.error.contains("'unevaluatedItems' at its top is not supported"))
                let missing = await installation.run("event-type", "add", "order.paid", "--schema", path("none"))
                #expect(
                    missing.status == .badData && missing.error.contains("--schema: \(path("none")) does not exist"))
                let added = await installation.run(
                    "event-type", "add", "order.paid", "--description", "Paid *in full*.", "--schema", path("schema"))
                #expect(added.output == "Described order.paid, with a schema.\n", "\(added.error)")
                let more = await installation.run(
                    "event-type", "add", "order.paid", "--example", path("good"), "--json")
                #expect(try more.json()["has_schema"] as? Bool == true)

                let refused = await installation.run(
                    "event", "publish", "order.paid", #"{"order_id": "x", "secret": 4711}"#)
                #expect(
                    refused.status == .badData
                        && refused.error.contains("$.order_id must be of type integer; $.secret must be"))
                #expect(!refused.error.contains("4711"))
                #expect(await installation.run("event", "publish", "order.paid", #"{"order_id": 1}"#).status == .done)
                #expect(await installation.run("event", "publish", "order.sent").status == .done)
                // In the producer's trigger nothing is checked.
                try await installation.sql(
                    "INSERT INTO postrider.outbox (event_type, payload) VALUES ('order.paid', '{}')")

                let unknown = await installation.run("event-type", "list", "--unknown", "--json")
                #expect(try unknown.objects("event_types").map { $0["event_type"] as? String } == ["order.sent"])
                let known = await installation.run("event-type", "list")
                #expect(known.output.contains("order.paid  yes     yes      Paid *in full*."), "\(known.output)")
                let shown = await installation.run("event-type", "show", "order.paid")
                #expect(shown.output.contains("Schema:\n  \(Self.schema)\n\nExample:\n  {\"order_id\": 42}\n"))

                let markdown = await installation.run("event-type", "export")
                #expect(
                    markdown.output.hasPrefix("# Events\n\n## `order.paid`\n\nPaid \\*in full\\*.\n"),
                    "\(markdown.output)")
                let document = try JSONSerialization.jsonObject(
                    with: Data(await installation.run("event-type", "export", "--format", "asyncapi").output.utf8))
                let api = try #require(document as? [String: Any])
                #expect(api["asyncapi"] as? String == "3.0.0")
                let messages =
                    ((api["components"] as? [String: Any])?["messages"] as? [String: Any])?["order.paid"]
                    as? [String: Any]
                let payload = (messages?["payload"] as? [String: Any])?["schema"] as? [String: Any]
                #expect(payload?["required"] as? [String] == ["order_id"])

                #expect(
                    await installation.run("event-type", "remove", "order.paid").output
                        == "Removed order.paid from the catalogue.\n")
                #expect(await installation.run("event-type", "remove", "order.paid").status == .badData)
                #expect(await installation.run("event-type", "list").error == "No event type is described.\n")
                // One with the smallest rights that publishing needs.
                try await installation.sql(
                    "SELECT postrider.describe_event_type('order.paid', schema => $1::json)", Self.schema)
                try await installation.sql(
                    """
                    DO $$ BEGIN CREATE ROLE catalogue_producer LOGIN IN ROLE postrider_producer;
                    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$
                    """)
                let url = installation.database.url.replacing(
                    "postgresql://postgres@", with: "postgresql://catalogue_producer@")
                let producer = await installation.run(
                    "event", "publish", "order.paid", "[]", environment: ["POSTRIDER_DATABASE_URL": url])
                #expect(
                    producer.status == .badData && producer.error.contains("$ must be of type object"),
                    "\(producer.error)")
            }
        }
    }

    @Test func writesWhatAPersonWroteAsText() throws {
        let type = EventTypeRecord(
            type: "a.b", description: "<b>\u{1B}[31m & `x`", schema: nil, example: Array(#"{"a": "```"}"#.utf8),
            updatedAt: PostgresTimestamp(rawValue: 0), updatedBy: "x")
        let markdown = CatalogueFormat.markdown.document([type], title: "A # B")
        #expect(
            markdown.contains("\\<b\\>") && markdown.contains("````json\n{\"a\": \"```\"}\n````")
                && markdown.hasPrefix("# A \\# B\n"))
        let api = CatalogueFormat.asyncapi.document([type], title: "\"")
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(api.utf8)) }
    }
}
