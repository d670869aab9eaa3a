package import Postgres

/// Sends to an endpoint again. Fails with `no_data_found` where there is no such endpoint.
package struct ResumeEndpoint: PostgresStatement {
    /// There are no rows to read.
    package typealias Row = Void

    /// The text of the statement.
    package static let sql = "SELECT postrider.resume_endpoint($1)"

    private let name: String

    /// - Parameter name: of the endpoint.
    package init(name: String) {
        self.name = name
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(name)
    }
}
