import Outbox
import Testing

@Suite("Endpoint names")
struct EndpointNameTests {
    @Test(
        "what is a name",
        arguments: ["a", "billing", "Müllers Lager", "shop/eu-1", "a-", "配送", String(repeating: "ä", count: 200)])
    func accepted(text: String) throws {
        #expect(try EndpointName(text).text == text)
    }

    @Test(
        "what is not",
        arguments: [
            "", " ", " a", "a ", "-a", "--json", "a\nb", "a\tb", "a\0", "\u{7f}", "a\u{a0}b", "a\u{202e}b",
            "a\u{200b}b",
            "a\u{2028}b", "\u{feff}a", String(repeating: "a", count: 201), String(repeating: "e\u{301}", count: 101),
        ])
    func refused(text: String) throws {
        let error = try #require(throws: InvalidText.self) { try EndpointName(text) }
        #expect(error.message.unicodeScalars.allSatisfy { (0x20...0x7e).contains($0.value) || $0 == "…" })
    }
}
