import Postgres

/// Sends a value and gets it back, with the type the server saw.
struct Echo<Value: PostgresValue>: PostgresStatement {
    var sql: String { "SELECT $1 AS value, pg_typeof($1)::text AS type" }
    let value: Value
    func bind(_ parameters: inout PostgresParameters) { parameters.append(value) }
    func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> (value: Value, type: String) {
        (try row.column(0), try row.column(1))
    }
}

/// Waits on the server.
struct Sleep: PostgresStatement {
    let sql = "SELECT pg_sleep($1)"
    let seconds: Double
    func bind(_ parameters: inout PostgresParameters) { parameters.append(seconds) }
    func decode(_ row: borrowing PostgresRow) throws(PostgresError) {}
}

/// The process of the server that serves the connection.
struct BackendPID: PostgresStatement {
    let sql = "SELECT pg_backend_pid()"
    func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}

/// The number after another; sent often.
struct Successor: PostgresStatement {
    let sql = "SELECT $1 + 1"
    let isFrequent = true
    let value: Int32
    func bind(_ parameters: inout PostgresParameters) { parameters.append(value) }
    func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}

/// How many statements the server keeps for the connection.
struct KeptStatements: PostgresStatement {
    let sql = "SELECT count(*) FROM pg_prepared_statements"
    func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int { try row.column(0) }
}

/// Fails on the server.
struct DivideByZero: PostgresStatement {
    let sql = "SELECT 1 / $1"
    func bind(_ parameters: inout PostgresParameters) { parameters.append(Int32(0)) }
    func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int32 { try row.column(0) }
}

/// Adds a row to the table `public.note`, which has a unique column `id`.
struct AddNote: PostgresStatement {
    let sql = "INSERT INTO public.note (id) VALUES ($1)"
    let id: Int32
    func bind(_ parameters: inout PostgresParameters) { parameters.append(id) }
    func decode(_ row: borrowing PostgresRow) throws(PostgresError) {}
}

/// Counts the rows of the table `note`.
struct CountNotes: PostgresStatement {
    let sql = "SELECT count(*) FROM public.note"
    func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Int { try row.column(0) }
}
