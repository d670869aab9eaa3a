import TestSupport
import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(1))) struct EndpointOffersTests {
    private static func question(_ words: String...) -> [String] {
        ["---completion", "endpoint", "pause", "--", "positional@0", "\(words.count - 1)", "0"] + words
    }

    @Test func aShellsQuestionIsRead() {
        let asked = EndpointOffers.Asked(Self.question("postrider", "--database-url", "dbname=a", "pause", "bil"))
        #expect(asked?.prefix == "bil" && asked?.databaseURL == "dbname=a")
        #expect(EndpointOffers.Asked(["endpoint", "pause", "a"]) == nil)
        #expect(EndpointOffers.Asked(["---completion", "--"])?.prefix == "")
        #expect(EndpointOffers.Asked(["---completion", "--", "a", "99", "0", "x"])?.prefix == "")
    }

    /// bash expands the words it is offered: nothing of a customer's name may run there.
    @Test(arguments: ["$(id)", "`id`", "a b", "a;b", "a'b", "a\"b", "a\\b", "", "ä", "a\nb", "*", "~root", "a:b"])
    func whatAShellWouldReadIsNotOffered(name: String) {
        #expect(!EndpointOffers.isPlain(name))
    }

    @Test func namesAreOffered() async throws {
        try await Installation.with { (installation) async throws in
            for name in ["billing", "bills.eu-1", "$(touch x)", "shop"] {
                _ = await installation.run("endpoint", "add", name, "http://127.0.0.1:8099/")
            }
            _ = await installation.run("endpoint", "add", "bill-removed", "http://127.0.0.1:8099/")
            _ = await installation.run("endpoint", "remove", "bill-removed", "--yes")
            let some = await installation.run(Self.question("postrider", "endpoint", "pause", "bil"))
            #expect(some.status == .done, "\(some.error)")
            #expect(some.output.split(separator: "\n") == ["billing", "bills.eu-1"], "\(some.output)")
            let all = await installation.run(
                Self.question("postrider", "endpoint", "pause", "--database-url", installation.database.url, ""),
                environment: ["POSTRIDER_DATABASE_URL": "host=127.0.0.1 port=1"])
            #expect(all.output.split(separator: "\n") == ["billing", "bills.eu-1", "shop"], "\(all.output)")
        }
    }

    /// No database, one that says nothing, and settings that cannot be used: a person in the middle of a line hears nothing.
    @Test func withoutADatabaseItIsQuietAndQuick() async throws {
        let silent = try SilentListener()
        for url in ["host=127.0.0.1 port=1", "host=127.0.0.1 port=\(silent.port)", "no equals sign"] {
            let recording = Recording()
            let start = ContinuousClock.now
            let context = recording.context(environment: ["POSTRIDER_DATABASE_URL": url])
            #expect(
                await CommandLineTool.run(Self.question("postrider", "endpoint", "pause", ""), in: context) == .done)
            #expect(recording.output.allSatisfy(\.isWhitespace) && recording.error.isEmpty)
            #expect(ContinuousClock.now - start < EndpointOffers.patience + .seconds(2))
        }
    }
}
