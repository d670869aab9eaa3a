import Postgres
import TestSupport
import Testing

@Suite("Values go to the server and come back", .timeLimit(.minutes(2)))
struct RoundTripTests {
    private func check<Value: PostgresValue & Equatable>(
        _ type: String, _ values: [Value], on connection: PostgresConnection,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for value in values {
            let rows = try await connection.run(Echo(value: value), deadline: TestDatabase.deadline)
            #expect(rows.first?.value == value, sourceLocation: sourceLocation)
            #expect(rows.first?.type == type, sourceLocation: sourceLocation)
            let optional = try await connection.run(Echo<Value?>(value: value), deadline: TestDatabase.deadline)
            #expect(optional.first?.value == value, sourceLocation: sourceLocation)
        }
        let null = try await connection.run(Echo<Value?>(value: nil), deadline: TestDatabase.deadline)
        #expect(null.count == 1 && null.first?.value == .some(nil), sourceLocation: sourceLocation)
        #expect(null.first?.type == type, sourceLocation: sourceLocation)
    }

    @Test("scalars, at their extremes, and NULL")
    func scalars() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await check("boolean", [true, false], on: connection)
            try await check("smallint", [Int16.min, -1, 0, .max], on: connection)
            try await check("integer", [Int32.min, -1, 0, .max], on: connection)
            try await check("bigint", [Int64.min, -1, 0, .max], on: connection)
            try await check("bigint", [Int.min, .max], on: connection)
            try await check("real", [Float.leastNonzeroMagnitude, -.infinity, 1.5], on: connection)
            try await check("double precision", [Double.leastNonzeroMagnitude, .infinity, -0.1], on: connection)
            try await check(
                "text", ["", "plain", "Zürich 🐘\n\"'\\", String(repeating: "x", count: 3_000_000)], on: connection)
            try await check("bytea", [[], [0], Array(0...255)] as [[UInt8]], on: connection)
            let moments: [PostgresTimestamp] = [
                .infinity, .negativeInfinity, .init(rawValue: 0), .init(rawValue: -1), .init(unixMicroseconds: 0),
                .init(rawValue: 9_223_371_331_199_999_999), .init(rawValue: -211_813_488_000_000_000),
            ]
            try await check("timestamp with time zone", moments, on: connection)
            try await check("interval", [Duration.zero, .microseconds(-1), .seconds(86_400 * 400)], on: connection)
            try await check("json", [PostgresJSON(#"{"b":1, "a" :2}"#), PostgresJSON("null")], on: connection)
            try await check("jsonb", [PostgresJSONB(#"{"a": 1}"#)], on: connection)
            await connection.close()
        }
    }

    @Test("arrays: empty, of one, of many, with and without NULL")
    func arrays() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            try await check("smallint[]", [[], [Int16(7)], [Int16.min, .max]], on: connection)
            try await check("integer[]", [[], [Int32.min, .max]], on: connection)
            try await check("bigint[]", [[], Array(Int64(0)..<5000)], on: connection)
            try await check("text[]", [[], [""], (0..<1000).map { "value {\($0)}, \"NULL\"" }], on: connection)
            try await check(
                "timestamp with time zone[]", [[PostgresTimestamp.infinity, .init(rawValue: 1)]], on: connection)
            try await check("interval[]", [[Duration.seconds(5), .seconds(300)]], on: connection)
            try await check("text[]", [[nil, "NULL", nil] as [String?]], on: connection)
            try await check("bigint[]", [[Int64?.none], [1, nil, .max]], on: connection)
            await connection.close()
        }
    }

    @Test("integers are widened, and refused where they do not fit")
    func integerWidths() async throws {
        struct Columns: PostgresStatement {
            let sql = "SELECT 7::smallint, 70000::int, 5::oid, '1'::xid8, 70000::int AS wide"
            func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> [Int64] {
                let refused: PostgresError?
                do throws(PostgresError) {
                    _ = try row.column(4, as: Int16.self)
                    refused = nil
                } catch {
                    refused = error
                }
                guard refused?.message == "column \"wide\" is out of the range of smallint" else { return [] }
                return [try row.column(0), try row.column(1), try row.column(2), try row.column(3)]
            }
        }
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            #expect(try await connection.run(Columns(), deadline: TestDatabase.deadline) == [[7, 70000, 5, 1]])
            await connection.close()
        }
    }

    @Test(
        "a column that holds something else is named",
        arguments: [
            ("SELECT NULL::bigint AS total", "column \"total\" is NULL"),
            ("SELECT 'x' AS total", "column \"total\" has the type text, not bigint"),
            (
                "SELECT 1.5 AS total",
                "column \"total\" has the type numeric (cast it to bigint or double precision), not bigint"
            ),
            ("SELECT", "the row has no column 0"),
        ])
    func mismatch(sql: String, complaint: String) async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            // A view carries the text into a statement whose SQL is fixed.
            try await connection.execute(script: "CREATE VIEW oddity AS \(sql)", deadline: TestDatabase.deadline)
            let error = await #expect(throws: PostgresError.self) {
                try await connection.run(ReadOddity(), deadline: TestDatabase.deadline)
            }
            #expect(error?.code == .unexpectedValue)
            #expect(error?.message == complaint)
            #expect(try await connection.run(BackendPID(), deadline: TestDatabase.deadline).count == 1)
            await connection.close()
        }
    }

    private struct ReadOddity: PostgresStatement {
        let sql = "SELECT * FROM public.oddity"
        func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int64 { try row.column(0) }
    }

    @Test("what cannot be encoded is not sent")
    func unencodable() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            let tooLong = await #expect(throws: PostgresError.self) {
                try await connection.run(Echo(value: Duration.seconds(Int64.max)), deadline: TestDatabase.deadline)
            }
            #expect(tooLong?.code == .invalidParameter)
            #expect(try await connection.run(BackendPID(), deadline: TestDatabase.deadline).count == 1)
            await connection.close()
        }
    }
}
