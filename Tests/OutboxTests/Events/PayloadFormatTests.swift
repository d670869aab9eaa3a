import Outbox
import Testing

@Suite("Payload formats")
struct PayloadFormatTests {
    @Test("words")
    func words() throws {
        #expect(try PayloadFormat(word: "envelope") == .envelope)
        #expect(try PayloadFormat(word: "raw") == .raw)
    }

    @Test(
        "what is promised is named, what is unknown is not",
        arguments: [
            ("cloudevents", true), ("cloudevents-binary", true), ("CloudEvents", false), ("", false), ("Raw", false),
            ("xml", false),
        ])
    func refused(word: String, later: Bool) throws {
        let error = try #require(throws: InvalidText.self) { try PayloadFormat(word: word) }
        #expect(error.message.contains("comes in a later version") == later)
    }
}
