import Outbox
import Testing

@Suite("Payload formats")
struct PayloadFormatTests {
    @Test("words")
    func words() throws {
        for format in PayloadFormat.allCases { #expect(try PayloadFormat(word: format.rawValue) == format) }
        #expect(PayloadFormat.allCases.count == 7)
    }

    @Test("what is unknown is refused", arguments: ["CloudEvents", "", "Raw", "xml", "cloudevents-batch"])
    func refused(word: String) throws {
        let error = try #require(throws: InvalidText.self) { try PayloadFormat(word: word) }
        #expect(error.message.contains("cloudevents-binary"))
    }
}
