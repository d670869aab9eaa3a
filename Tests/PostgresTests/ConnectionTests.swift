import Postgres
import TestSupport
import Testing

private struct One: PostgresStatement {
    static let sql = "SELECT $1::bigint + 1"
    let number: Int64
    func bind(_ parameters: inout PostgresParameters) { parameters.append(number) }
    static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int64 { try row.column(0) }
}

@Suite("A connection", .timeLimit(.minutes(2)))
struct ConnectionTests {
    @Test("runs a statement and decodes its row")
    func runsStatement() async throws {
        try await TestDatabase.withDatabase { database in
            let connection = try await database.connect()
            #expect(try await connection.run(One(number: 41), deadline: .seconds(5)) == [42])
            await connection.close()
        }
    }
}
