import Postgres

/// SHA-256 of texts in lower-case hexadecimal, in their order.
struct HashMigrations: PostgresStatement {
    static let sql = """
        SELECT encode(sha256(convert_to(t.content, 'UTF8')), 'hex')
        FROM unnest($1::text[]) WITH ORDINALITY AS t (content, place) ORDER BY t.place
        """

    private let texts: [String]

    init(_ texts: [String]) {
        self.texts = texts
    }

    func bind(_ parameters: inout PostgresParameters) {
        parameters.append(texts)
    }

    static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> String { try row.column(0) }
}
