package import Postgres

/// Gives an endpoint a new signing secret; the old ones sign along for a while.
package struct RotateSecret: PostgresStatement {
    /// There are no rows to read.
    package typealias Row = Void

    // rotate_secret returns the secret, which need not travel back.
    /// The text of the statement.
    package static let sql = """
        SELECT count(r) FROM postrider.rotate_secret(name => $1, secret => $2, grace => $3) r
        """

    private let name: String
    private let secret: String
    private let grace: Duration

    /// - Parameters:
    ///   - secret: `whsec_…`, or sealed.
    ///   - grace: how long the old secrets go on signing.
    package init(name: String, secret: String, grace: Duration) {
        self.name = name
        self.secret = secret
        self.grace = grace
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(name)
        parameters.append(secret)
        parameters.append(grace)
    }
}
