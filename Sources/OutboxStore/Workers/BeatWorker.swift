package import Postgres

/// Tells that a worker is alive.
package struct BeatWorker: PostgresStatement {
    /// There are no rows to read.
    package typealias Row = Void

    /// The text of the statement.
    package static let sql = """
        UPDATE postrider.workers w SET seen_at = clock_timestamp(), in_flight = $2, draining = $3 WHERE w.id = $1
        """

    private let worker: Int32
    private let inFlight: Int32
    private let draining: Bool

    /// A sign of life, with what the worker is doing.
    package init(worker: Int32, inFlight: Int32, draining: Bool) {
        self.worker = worker
        self.inFlight = inFlight
        self.draining = draining
    }

    /// Appends the parameters in order.
    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(worker)
        parameters.append(inFlight)
        parameters.append(draining)
    }
}
