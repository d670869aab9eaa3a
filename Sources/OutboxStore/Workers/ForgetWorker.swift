public import Postgres

/// Takes a worker that ended in good order off the list.
public struct ForgetWorker: PostgresStatement {
    /// There are no rows to read.
    public typealias Row = Void

    /// The text of the statement.
    public static let sql = "DELETE FROM postrider.workers w WHERE w.id = $1"

    private let worker: Int32

    /// - Parameter worker: its id.
    public init(worker: Int32) {
        self.worker = worker
    }

    /// Appends the parameters in order.
    public func bind(_ parameters: inout PostgresParameters) {
        parameters.append(worker)
    }
}
