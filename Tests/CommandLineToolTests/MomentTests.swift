import ArgumentParser
import Postgres
import Testing

@testable import CommandLineTool

@Suite struct MomentTests {
    private let now = PostgresTimestamp(unixMicroseconds: 1_732_104_000_000_000)

    @Test(arguments: [
        ("2024-11-20T12:00:00Z", "2024-11-20T12:00:00.000000Z"),
        ("2024-11-20T14:00:00+02:00", "2024-11-20T12:00:00.000000Z"),
        ("2024-11-20T12:00:00.250Z", "2024-11-20T12:00:00.250000Z"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000000Z"),
    ])
    func momentIsTheSameInBothDirections(text: String, moment: String) throws {
        #expect(try Moment(text).ago(from: now).description == moment)
        #expect(try Moment(text).ahead(of: now).description == moment)
    }

    @Test func lengthCountsFromNow() throws {
        #expect(try Moment("2h").ago(from: now).description == "2024-11-20T10:00:00.000000Z")
        #expect(try Moment("2h").ahead(of: now).description == "2024-11-20T14:00:00.000000Z")
        #expect(try Moment("999999999d").ahead(of: now) > now)
    }

    @Test(arguments: [
        "", "yesterday", "2024-11-20", "2024-11-20 12:00", "12:00", "5", "2024-13-01T00:00:00Z", "\u{1b}",
    ])
    func anythingElseIsRefused(text: String) {
        #expect(throws: ValidationError.self) { try Moment(text) }
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (1_732_060_800_123_456, "2024-11-20T00:00:00.123456Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
            (-2_203_891_200_000_001, "1900-02-28T23:59:59.999999Z"),
        ] as [(Int64, String)])
    func timestampIsWrittenInUTC(unixMicroseconds: Int64, text: String) {
        #expect(PostgresTimestamp(unixMicroseconds: unixMicroseconds).description == text)
    }

    @Test func infinitiesAreWrittenAsPostgreSQLWritesThem() {
        #expect(PostgresTimestamp.infinity.description == "infinity")
        #expect(PostgresTimestamp.negativeInfinity.description == "-infinity")
        // The last moment that PostgreSQL knows, in the year 294276: RFC 3339 ends earlier.
        #expect(PostgresTimestamp(rawValue: 9_223_371_331_199_999_999).description == "9999-12-31T23:59:59.999999Z")
    }
}
