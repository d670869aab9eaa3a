import Outbox
import Testing

@Suite("Event types and patterns")
struct EventTypeTests {
    @Test(
        "what is a type",
        arguments: ["a", "order.paid", "Order_1.paid.v2", "0.1", "_", String(repeating: "a", count: 128)])
    func accepted(text: String) throws {
        #expect(try EventType(text).text == text)
        #expect(try EventTypePattern(text) == .exactly(try EventType(text)))
    }

    @Test(
        "what is not",
        arguments: [
            "", "a b", "a.", ".a", ".", "a..b", "a\nb", "a-b", "a/b", "😀", "é", "a*", "a\0",
            String(repeating: "a", count: 129),
        ])
    func refused(text: String) {
        #expect(throws: InvalidText.self) { try EventType(text) }
        #expect(throws: InvalidText.self) { try EventTypePattern(text) }
    }

    @Test(
        "what is not a pattern",
        arguments: ["**", "*.paid", "order.*.paid", "order*", ".*", "order.**", "order.*.*", "* "])
    func refusedPatterns(text: String) throws {
        let error = try #require(throws: InvalidText.self) { try EventTypePattern(text) }
        #expect(error.concept == .eventTypePattern)
    }

    @Test(
        "what matches",
        arguments: [
            ("*", "order", true), ("*", "order.paid", true), ("order.*", "order.paid", true),
            ("order.*", "order.paid.twice", true), ("order.*", "order", false), ("order.*", "orders.paid", false),
            ("order.*", "Order.paid", false), ("order.paid", "order.paid", true),
            ("order.paid", "order.paid.twice", false),
            ("order.paid.*", "order.paid.twice", true), ("order.paid.*", "order.pending", false),
        ])
    func matches(pattern: String, type: String, expected: Bool) throws {
        let parsed = try EventTypePattern(pattern)
        #expect(parsed.matches(try EventType(type)) == expected)
        #expect(parsed.description == pattern)
    }
}
