/// A statement as a value: its text, the values of `$1`, `$2`, … and how a row is read.
///
/// ```swift
/// static func name(of id: Int64) -> PostgresQuery<String> {
///     PostgresQuery("SELECT name FROM account WHERE id = $1", id)
/// }
/// ```
///
/// `Row` says how a row is read: `Void` not at all, a ``PostgresValue`` from the only column, a ``PostgresRecord`` by itself.
package struct PostgresQuery<Row: Sendable>: PostgresStatement {
    package let sql: String
    package private(set) var isQualified = false
    private let append: @Sendable (inout PostgresParameters) -> Void
    private let read: @Sendable (borrowing PostgresRow) throws(PostgresError) -> Row

    /// A query whose rows need a reader of their own.
    package init<each Value: PostgresValue>(
        _ sql: String, _ values: repeat each Value,
        decode: @escaping @Sendable (borrowing PostgresRow) throws(PostgresError) -> Row
    ) {
        self.sql = sql
        append = { parameters in repeat parameters.append(each values) }
        read = decode
    }

    /// The same, known to say the schema of each name. See ``PostgresStatement/isQualified``.
    package var qualified: Self {
        var query = self
        query.isQualified = true
        return query
    }

    /// The same, with its rows left unread.
    package var unread: PostgresQuery<Void> {
        PostgresQuery<Void>(sql: sql, isQualified: isQualified, append: append, read: { _ in })
    }

    private init(
        sql: String, isQualified: Bool, append: @escaping @Sendable (inout PostgresParameters) -> Void,
        read: @escaping @Sendable (borrowing PostgresRow) throws(PostgresError) -> Row
    ) {
        self.sql = sql
        self.isQualified = isQualified
        self.append = append
        self.read = read
    }

    package func bind(_ parameters: inout PostgresParameters) { append(&parameters) }

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row { try read(row) }
}

extension PostgresQuery where Row == Void {
    /// A statement that runs for its effect.
    package init<each Value: PostgresValue>(_ sql: String, _ values: repeat each Value) {
        self.init(sql, repeat each values) { _ in }
    }
}

extension PostgresQuery where Row: PostgresValue {
    /// A query with one column.
    package init<each Value: PostgresValue>(_ sql: String, _ values: repeat each Value) {
        self.init(sql, repeat each values) { row throws(PostgresError) in try row.column(0) }
    }
}

extension PostgresQuery where Row: PostgresRecord {
    /// A query with the columns of a record.
    package init<each Value: PostgresValue>(_ sql: String, _ values: repeat each Value) {
        self.init(sql, repeat each values, decode: Row.init)
    }
}

/// What a row holds, column by column.
package protocol PostgresRecord: Sendable {
    /// - Throws: an error that names the column.
    init(_ row: borrowing PostgresRow) throws(PostgresError)
}
