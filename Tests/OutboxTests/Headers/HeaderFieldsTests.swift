import Outbox
import Testing

@Suite("Header fields as a whole")
struct HeaderFieldsTests {
    @Test("at most 32, at most 16 KiB, each name once")
    func limits() throws {
        #expect(try HeaderFields(fields(count: 32, bytes: 10)).fields.count == 32)
        #expect(code(try fields(count: 33, bytes: 10)) == .tooMany)
        #expect(code(try fields(count: 10_000, bytes: 10)) == .tooMany)
        // Each takes "X-0n: " and a line break, eight bytes, beside its value.
        #expect(code(try fields(count: 8, bytes: 2_040)) == nil)
        #expect(code(try fields(count: 8, bytes: 2_041)) == .tooLarge)
        #expect(code([try HeaderField("X-A: 1"), try HeaderField("x-a: 2")]) == .repeated)
    }

    @Test("an event's field replaces the endpoint's of the same name")
    func override() throws {
        let endpoint = try HeaderFields([try HeaderField("X-A: 1"), try HeaderField("X-B: 2")])
        let event = try HeaderFields([try HeaderField("x-a: 3")])
        #expect(endpoint.overridden(by: event).map(\.line) == ["X-B: 2", "x-a: 3"])
        #expect(endpoint.overridden(by: .none) == endpoint.fields)
    }

    private func fields(count: Int, bytes: Int) throws -> [HeaderField] {
        try (0..<count).map { index in
            try HeaderField(name: "X-\(index < 10 ? "0" : "")\(index)", value: String(repeating: "a", count: bytes))
        }
    }

    private func code(_ fields: [HeaderField]) -> HeaderFieldError.Code? {
        do throws(HeaderFieldError) {
            _ = try HeaderFields(fields)
            return nil
        } catch {
            return error.code
        }
    }
}
