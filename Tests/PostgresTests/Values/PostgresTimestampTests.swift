import Postgres
import Testing

@Suite("A timestamp")
struct PostgresTimestampTests {
    @Test(
        "is written as ISO 8601 in UTC",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_732_060_800_123_456, "2024-11-20T00:00:00.123456Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (-2_203_891_200_000_001, "1900-02-28T23:59:59.999999Z"),
        ] as [(Int64, String)])
    func description(unixMicroseconds: Int64, text: String) {
        #expect(PostgresTimestamp(unixMicroseconds: unixMicroseconds).description == text)
    }

    @Test("keeps to its range")
    func range() {
        #expect(PostgresTimestamp(unixMicroseconds: .min) == .negativeInfinity)
        #expect(PostgresTimestamp(rawValue: .max - 1).unixMicroseconds == nil)
        #expect(PostgresTimestamp.infinity.unixMicroseconds == nil)
        #expect(PostgresTimestamp(rawValue: .max - 1).advanced(by: .seconds(1)) == .infinity)
        #expect(PostgresTimestamp(rawValue: 0).advanced(by: .seconds(-Int64.max)) == .negativeInfinity)
        #expect(PostgresTimestamp.infinity.advanced(by: .seconds(-1)) == .infinity)
        #expect(PostgresTimestamp(rawValue: 0).advanced(by: .milliseconds(1500)).rawValue == 1_500_000)
    }

    @Test("orders the infinities around all moments")
    func order() {
        #expect(PostgresTimestamp.negativeInfinity < PostgresTimestamp(rawValue: 0))
        #expect(PostgresTimestamp(rawValue: 0) < .infinity)
    }
}
