import Outbox
package import OutboxStore
package import Postgres

/// The database's side of a worker: claims and settles, sends nothing.
package struct TestWorker: Sendable {
    /// Its id, part of its fencing tokens.
    package let id: Int32
    /// Where it works.
    package let connection: PostgresConnection

    /// A worker on a connection.
    package init(id: Int32, connection: PostgresConnection) {
        self.id = id
        self.connection = connection
    }

    /// The lanes that have live rows.
    package func discover(unhinted: Bool = false) async throws(PostgresError) -> [DiscoverLanes.Row] {
        try await connection.run(DiscoverLanes(unhinted: unhinted), deadline: TestOutbox.deadline)
    }

    /// Claims due deliveries; of all lanes that have some, where none are named.
    package func claim(
        _ lanes: [Int32]? = nil, room: Int32 = 500, budget: Int32 = 500, bytes: Int64 = 1 << 40,
        slack: Duration = .seconds(15), unhinted: Bool = false
    ) async throws(PostgresError) -> [ClaimedDelivery] {
        let ring: [Int32]
        if let lanes { ring = lanes } else { ring = try await discover(unhinted: unhinted).map(\.endpoint) }
        let claim = ClaimDeliveries(
            worker: id, lanes: ring, rooms: ring.map { _ in room }, budget: budget, byteBudget: bytes,
            leaseSlack: slack, unhinted: unhinted)
        return try await connection.run(claim, deadline: TestOutbox.deadline)
    }

    /// Settles a batch; returns the ids that were stale.
    @discardableResult
    package func settle(_ batch: [Settlement], again: Bool = false) async throws(PostgresError) -> [Int64] {
        try await connection.run(
            SettleDeliveries(worker: id, batch: batch, again: again, now: 0), deadline: TestOutbox.deadline)
    }

    /// Settles deliveries alike; returns the ids that were stale.
    @discardableResult
    package func settle(
        _ deliveries: [ClaimedDelivery], _ outcome: Settlement.Outcome, again: Bool = false
    ) async throws(PostgresError) -> [Int64] {
        try await settle(deliveries.map { Settlement(madeUp: $0, outcome) }, again: again)
    }

    /// Claims once and settles what it got.
    @discardableResult
    package func work(_ outcome: Settlement.Outcome) async throws(PostgresError) -> [ClaimedDelivery] {
        let claimed = try await claim()
        try await settle(claimed, outcome)
        return claimed
    }
}

extension Settlement {
    /// What a worker would record, made up.
    package init(madeUp delivery: ClaimedDelivery, _ outcome: Outcome) {
        self.init(delivery, outcome)
        duration = 12_345
        switch outcome {
        case .delivered: httpStatus = 200
        case .retry, .dead: (httpStatus, errorCode) = (503, .httpStatus)
        case .gone: (httpStatus, errorCode) = (410, .httpStatus)
        case .expired, .released: break
        }
    }
}
