import Postgres
import Testing

@Suite("A timestamp")
struct PostgresTimestampTests {
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
