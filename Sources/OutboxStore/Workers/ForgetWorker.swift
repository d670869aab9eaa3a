package import Postgres

/// Takes a worker that ended in good order off the list.
package struct ForgetWorker: PostgresStatement {
    /// There are no rows to read.
    package typealias Row = Void

    /// The text of the statement.
    package static let sql = "DELETE FROM postrider.workers w WHERE w.id = $1"

    private let worker: Int32

    /// - Parameter worker: its id.
    package init(worker: Int32) {
        self.worker = worker
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(worker)
    }
}
