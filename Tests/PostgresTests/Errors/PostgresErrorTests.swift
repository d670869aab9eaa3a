import Testing

@testable import Postgres

@Suite("An error")
struct PostgresErrorTests {
    @Test(
        "says by its SQLSTATE what to do",
        arguments: [
            ("40001", .retry), ("40P01", .retry), ("55P03", .retry), ("57014", .retry),
            ("08006", .reconnect), ("57P01", .reconnect), ("57P02", .reconnect), ("57P03", .reconnect),
            ("53300", .reconnect), ("25006", .reconnect), ("26000", .reconnect), ("42P05", .reconnect),
            ("28P01", .configuration), ("28000", .configuration), ("3D000", .configuration), ("42P01", .configuration),
            ("42883", .configuration), ("42501", .configuration), ("3F000", .configuration), ("57P04", .configuration),
            ("53100", .resource), ("53200", .resource), ("58030", .resource),
            ("22P02", .data), ("23505", .data), ("P0001", .data), ("54000", .data),
            ("42601", .bug), ("25P02", .bug), ("0A000", .bug),
            ("XX000", .reconnect), ("99999", .reconnect), ("", .reconnect),
        ] as [(String, PostgresError.Kind)])
    func kinds(state: String, kind: PostgresError.Kind) {
        #expect(PostgresError.Kind(SQLState(rawValue: state)) == kind)
    }

    @Test("of this side says what to do")
    func ownKinds() {
        #expect(PostgresError(.connectionLost, "x").kind == .reconnect)
        #expect(PostgresError(.deadlineExceeded, "x").kind == .retry)
        #expect(PostgresError(.invalidConfiguration, "x").kind == .configuration)
        #expect(PostgresError(.unexpectedValue, "x").kind == .bug)
        let cancelled = ServerReport(state: .queryCanceled, severity: "ERROR", message: "x")
        #expect(PostgresError(.commitOutcomeUnknown, "x", report: cancelled).kind == .reconnect)
    }

    @Test("is one line, which names the database and no data")
    func description() {
        let report = ServerReport(
            state: SQLState(rawValue: "23505"), severity: "ERROR", message: "duplicate key value",
            detail: "Key (id)=(4711) already exists.")
        let error = PostgresError(report).at("database app at db1:5432").at("elsewhere")
        #expect(error.description == "duplicate key value (SQLSTATE 23505, database app at db1:5432)")
        #expect(PostgresError(.connectFailed, "one\n\ttwo\r\nthree").description == "one; two; three")
    }

    @Test("keeps to itself the values the server quotes")
    func quotedValue() {
        let report = ServerReport(
            state: SQLState(rawValue: "22P02"), severity: "ERROR",
            message: "invalid input syntax for type integer: \"se\"cret\"")
        #expect(PostgresError(report).description == "invalid input syntax for type integer: \"…\" (SQLSTATE 22P02)")
    }

    @Test("says which encodings do not fit, since these messages quote nothing else", arguments: ["22P05", "22021"])
    func encodings(state: String) {
        let message = "character with byte sequence 0xe2 0x80 0xa6 in encoding \"UTF8\" has no equivalent in \"LATIN1\""
        let report = ServerReport(state: SQLState(rawValue: state), severity: "ERROR", message: message)
        #expect(PostgresError(report).message == message)
    }

    @Test("is cut to a limit")
    func length() {
        let long = PostgresError(.connectFailed, String(repeating: "ü", count: 10_000))
        #expect(long.message.count == OneLine.maximumLength)
    }
}
