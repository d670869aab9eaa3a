package import Postgres

/// Sends to an endpoint again. Fails with `no_data_found` where there is no such endpoint.
package struct ResumeEndpoint: PostgresStatement {
    package typealias Row = Void

    package static let sql = "SELECT postrider.resume_endpoint($1)"

    private let name: String

    /// - Parameter name: of the endpoint.
    package init(name: String) {
        self.name = name
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(name)
    }
}
