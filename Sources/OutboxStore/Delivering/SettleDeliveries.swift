import Outbox
package import Postgres

/// Records a batch of outcomes in one transaction; returns what it did not record.
///
/// Rows change only under their fencing token, so a batch may be sent again after an answer that never came.
package struct SettleDeliveries: PostgresStatement {
    /// An outcome that was not recorded.
    package enum Row: Hashable, Sendable {
        /// The lease of this delivery was lost. Its attempt is on record as stale.
        case stale(Int64)
        /// Another session holds what the outcome at this place of the batch would change: it has to be sent again.
        case left(Int)
    }

    package let sql = """
        SELECT s.id, s.place, s.is_left FROM postrider.settle(
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
            $25, $26, $27, $28) s
        """
    package let isQualified = true

    private let worker: Int32
    private let again: Bool
    private let leave: Bool
    private let batch: [Settlement]
    private let now: ContinuousClock.Instant

    /// - Parameters:
    ///   - worker: the worker's id in `postrider.workers`.
    ///   - again: the same batch was sent before and its fate is unknown.
    ///   - leave: leave out what another session holds. Otherwise the settle waits for it for a moment and then fails with
    ///     SQLSTATE 55P03, having recorded nothing.
    ///   - now: by it the database is told how long ago each attempt began: its clock is not ours.
    package init(worker: Int32, batch: [Settlement], again: Bool, leave: Bool = false, now: ContinuousClock.Instant) {
        self.worker = worker
        self.again = again
        self.leave = leave
        self.batch = batch
        self.now = now
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(worker)
        parameters.append(again)
        parameters.append(batch.map(\.delivery.endpoint))
        parameters.append(batch.map(\.delivery.dueAt))
        parameters.append(batch.map(\.delivery.id))
        parameters.append(batch.map(\.delivery.attempt))
        parameters.append(batch.map(\.delivery.event))
        parameters.append(batch.map(\.delivery.eventAt))
        parameters.append(batch.map(\.outcome.number))
        parameters.append(batch.map(\.outcome.delay.wholeMicroseconds))
        parameters.append(batch.map(\.outcome.reason))
        parameters.append(batch.map { $0.startedAt.map { max(0, (now - $0).wholeMicroseconds) } ?? 0 })
        parameters.append(batch.map(\.duration))
        parameters.append(batch.map(\.url))
        parameters.append(batch.map(\.httpStatus))
        parameters.append(batch.map(\.errorCode?.rawValue))
        parameters.append(batch.map(\.error))
        parameters.append(batch.map(\.responseBody))
        parameters.append(batch.map(\.remoteAddress))
        parameters.append(batch.map(\.nameLookup))
        parameters.append(batch.map(\.connect))
        parameters.append(batch.map(\.tls))
        parameters.append(batch.map(\.firstByte))
        parameters.append(leave)
        // A row each for those alone that have something of it: mostly none.
        let noted = batch.enumerated().filter { $0.element.allowed != nil }
        parameters.append(noted.map { Int32(clamping: $0.offset + 1) })
        parameters.append(noted.map(\.element.retryAfter))
        parameters.append(noted.map(\.element.location))
        parameters.append(noted.map(\.element.allowed))
    }

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        try row.column(2) ? .left(Int(try row.column(1, as: Int32.self)) - 1) : .stale(try row.column(0))
    }
}

extension Duration {
    /// Whole microseconds, towards zero, cut to 64 bits.
    fileprivate var wholeMicroseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000_000) }
}
