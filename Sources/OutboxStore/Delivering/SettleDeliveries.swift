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
        /// The outcome at this place of the batch was recorded as another: the attempt does not count, so the delivery lives on.
        case spared(Int)
        /// Something is new about an endpoint.
        case news(EndpointNews)
    }

    package let sql = """
        SELECT s.id, s.place, s.is_left, s.news, s.endpoint, s.why FROM postrider.settle(
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
            $25, $26, $27, $28, $29, $30, $31, $32, $33) s
        """
    package let isQualified = true
    package let isFrequent = true

    private let worker: Int32
    private let again: Bool
    private let leave: Bool
    private let batch: [Settlement]
    private let now: ContinuousClock.Instant
    private let pauses: [Duration]

    /// - Parameters:
    ///   - worker: the worker's id in `postrider.workers`.
    ///   - again: the same batch was sent before and its fate is unknown.
    ///   - leave: leave out what another session holds. Otherwise the settle waits for it for a moment and then fails with
    ///     SQLSTATE 55P03, having recorded nothing.
    ///   - pauses: for how long a lane closes, see ``Breaker/pauses(random:)``.
    ///   - now: by it the database is told how long ago each attempt began: its clock is not ours.
    package init(
        worker: Int32, batch: [Settlement], again: Bool, leave: Bool = false,
        pauses: [Duration] = Breaker.pauses { 0.5 }, now: ContinuousClock.Instant
    ) {
        self.worker = worker
        self.again = again
        self.leave = leave
        self.batch = batch
        self.pauses = pauses
        self.now = now
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(worker)
        parameters.append(again)
        parameters.append(column { batch[$0].delivery.endpoint })
        parameters.append(column { batch[$0].delivery.dueAt })
        parameters.append(column { batch[$0].delivery.id })
        parameters.append(column { batch[$0].delivery.attempt })
        parameters.append(column { batch[$0].delivery.event })
        parameters.append(column { batch[$0].delivery.eventAt })
        parameters.append(column { batch[$0].outcome.number })
        parameters.append(column { batch[$0].outcome.delay.wholeMicroseconds })
        parameters.append(sparseColumn { batch[$0].outcome.reason })
        parameters.append(column { batch[$0].startedAt.map { max(0, (now - $0).wholeMicroseconds) } ?? 0 })
        parameters.append(column { batch[$0].duration })
        parameters.append(column { batch[$0].url })
        parameters.append(sparseColumn { batch[$0].httpStatus })
        parameters.append(sparseColumn { batch[$0].errorCode?.rawValue })
        parameters.append(sparseColumn { batch[$0].error })
        parameters.append(sparseColumn { batch[$0].responseBody })
        parameters.append(sparseColumn { batch[$0].remoteAddress })
        parameters.append(sparseColumn { batch[$0].nameLookup })
        parameters.append(sparseColumn { batch[$0].connect })
        parameters.append(sparseColumn { batch[$0].tls })
        parameters.append(sparseColumn { batch[$0].firstByte })
        parameters.append(leave)
        // A row each for those alone that have something of it: mostly none.
        let noted = batch.indices.filter { batch[$0].allowed != nil }
        parameters.append(noted.map { Int32(clamping: $0 + 1) })
        parameters.append(noted.map { batch[$0].retryAfter })
        parameters.append(noted.map { batch[$0].location })
        parameters.append(noted.map { batch[$0].allowed })
        let said = batch.indices.filter { batch[$0].signal != .none }
        parameters.append(said.map { Int32(clamping: $0 + 1) })
        parameters.append(said.map { batch[$0].signal.number })
        parameters.append(said.map { batch[$0].signal.pause.wholeMicroseconds })
        parameters.append(Int32(Breaker.strikesToClose))
        parameters.append(pauses.map(\.wholeMicroseconds))
    }

    /// One value of each outcome. By its place: a settlement holds a dozen texts, and `map` would copy all of them for each value.
    private func column<Value>(_ value: (_ place: Int) -> Value) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(batch.count)
        for place in batch.indices { values.append(value(place)) }
        return values
    }

    /// The same of what most outcomes lack: empty when all do. PostgreSQL finds NULL beyond the end of an array too, and so need not
    /// read as many of them.
    private func sparseColumn<Value>(_ value: (_ place: Int) -> Value?) -> [Value?] {
        var values: [Value?] = []
        for place in batch.indices {
            guard let value = value(place) else { continue }
            if values.isEmpty { values = [Value?](repeating: nil, count: batch.count) }
            values[place] = value
        }
        return values
    }

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        switch try row.column(3, as: String?.self) {
        case nil:
            return try row.column(2) ? .left(Int(try row.column(1, as: Int32.self)) - 1) : .stale(try row.column(0))
        case "spared":
            return .spared(Int(try row.column(1, as: Int32.self)) - 1)
        case let word?:
            guard let kind = EndpointNews.Kind(rawValue: word) else {
                throw PostgresError(.unexpectedValue, "a settle has the unknown news \(word)")
            }
            return .news(EndpointNews(kind: kind, endpoint: try row.column(4), why: try row.column(5)))
        }
    }
}

/// What became of an endpoint by a settle.
package struct EndpointNews: Hashable, Sendable {
    package enum Kind: String, Sendable {
        /// The breaker holds it.
        case failing
        /// The breaker lets go of it.
        case recovered
        case disabled
        /// It will be disabled if it goes on failing.
        case warned
    }

    package let kind: Kind
    package let endpoint: String
    package let why: String?

    package init(kind: Kind, endpoint: String, why: String? = nil) {
        self.kind = kind
        self.endpoint = endpoint
        self.why = why
    }
}

extension EndpointSignal {
    /// What `postrider.settle` takes it as.
    fileprivate var number: Int16 { (isStrike ? 1 : 0) + (isLater ? 2 : 0) + (disables ? 4 : 0) }
}

extension Duration {
    /// Whole microseconds, towards zero, cut to 64 bits.
    fileprivate var wholeMicroseconds: Int64 {
        // Not by `attoseconds`: each outcome would cost a division of 128-bit numbers.
        let (seconds, rest) = components
        let (whole, isBeyond) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, isTooMuch) = whole.addingReportingOverflow(rest / 1_000_000_000_000)
        return isBeyond || isTooMuch ? (seconds < 0 ? .min : .max) : sum
    }
}
