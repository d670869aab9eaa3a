import Outbox
import Testing

@Suite("Content types")
struct ContentTypeTests {
    @Test(
        "what is accepted",
        arguments: [
            "application/json", "text/plain; charset=utf-8", "text/plain;charset=\"utf-8\"", "application/vnd.x+json",
            "text/plain ; a=b",
        ])
    func accepted(text: String) throws {
        #expect(try ContentType(text).text == text)
    }

    @Test(
        "what is refused",
        arguments: [
            "", "text", "text/", "/plain", "text/plain/x", "text/plain; charset=\r\nX: 1", "text/plain\n",
            "te xt/plain",
            " text/plain", "text/pläin", "text/plain; a=\u{7f}", "text/plain; a=\t",
            "text/plain; " + String(repeating: "a", count: 200),
        ])
    func refused(text: String) throws {
        let error = try #require(throws: InvalidText.self) { try ContentType(text) }
        #expect(error.concept == .contentType)
    }
}
