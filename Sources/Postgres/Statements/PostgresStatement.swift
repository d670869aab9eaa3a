/// One SQL statement: its text, its parameters, its rows.
///
/// ``PostgresQuery`` is one for ordinary use. A type of its own is for the statements that run all the time: it holds its
/// parameters as they are and costs no allocation.
///
/// It goes out by the extended protocol: unnamed, so that it passes a pooler in transaction mode, unless ``isFrequent`` says otherwise.
package protocol PostgresStatement: Sendable {
    /// What a row is read into; `Void` where there are none.
    associatedtype Row: Sendable

    /// The text, with `$1`, `$2`, … for the parameters.
    var sql: String { get }

    /// Whether each name in ``sql`` says its schema, those of operators too: then it means the same with each
    /// search path. Any other statement goes out behind one that sets the path for its transaction.
    var isQualified: Bool { get }

    /// Whether it is sent so often that the server had better keep its plan. See ``StatementNames``.
    var isFrequent: Bool { get }

    /// Appends the parameters in order.
    func bind(_ parameters: inout PostgresParameters)

    /// Called on the connection's queue.
    ///
    /// - Throws: an error that names the column.
    func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row
}

extension PostgresStatement {
    package var isQualified: Bool { false }
    package var isFrequent: Bool { false }

    package func bind(_ parameters: inout PostgresParameters) {}
}

extension PostgresStatement where Row == Void {
    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) {}
}
