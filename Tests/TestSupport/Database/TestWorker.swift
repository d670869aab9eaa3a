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
    package func walk() async throws(PostgresError) -> [WalkedLane] {
        var lanes: [WalkedLane] = []
        var last: Int32?
        repeat {
            let rows = try await connection.run(
                WalkLanes(after: last, exceptHeldBy: nil), deadline: TestOutbox.deadline)
            last = nil
            for row in rows {
                switch row {
                case .found(let lane): lanes.append(lane)
                case .reached(let lane): last = lane
                }
            }
        } while last != nil
        return lanes
    }

    /// What a look since an earlier one finds, and what the next look starts from.
    package func look(
        since seen: String?, waiting wait: Duration = .zero
    ) async throws(PostgresError) -> (lanes: [FoundLane], seen: String) {
        var lanes: [FoundLane] = []
        var seen = seen ?? ""
        let rows = try await connection.run(
            LookAtLanes(since: seen.isEmpty ? nil : seen, waiting: wait), deadline: TestOutbox.deadline)
        for row in rows {
            switch row {
            case .seen(let now): seen = now.snapshot
            case .found(let lane): lanes.append(lane)
            }
        }
        return (lanes.sorted { $0.endpoint < $1.endpoint }, seen)
    }

    /// Claims due deliveries; of all lanes that have some, where none are named.
    package func claim(
        _ lanes: [Int32]? = nil, room: Int32 = 500, budget: Int32 = 500, bytes: Int64 = 1 << 40,
        slack: Duration = .seconds(15), lapsed: PostgresTimestamp = .infinity
    ) async throws(PostgresError) -> [ClaimedDelivery] {
        try await claimReporting(
            lanes, room: room, budget: budget, bytes: bytes, slack: slack, lapsed: lapsed
        ).deliveries
    }

    /// Claims, and says what the claim reported of each lane.
    package func claimReporting(
        _ lanes: [Int32]? = nil, from: PostgresTimestamp = .negativeInfinity, room: Int32 = 500, budget: Int32 = 500,
        bytes: Int64 = 1 << 40, slack: Duration = .seconds(15), lapsed: PostgresTimestamp = .infinity
    ) async throws(PostgresError) -> (deliveries: [ClaimedDelivery], reports: [Int32: LaneReport]) {
        let ring: [Int32]
        if let lanes { ring = lanes } else { ring = try await walk().map(\.endpoint) }
        let claim = ClaimDeliveries(
            worker: id, lanes: ring, froms: ring.map { _ in from }, rooms: ring.map { _ in room }, budget: budget,
            byteBudget: bytes, leaseSlack: slack, lapsed: lapsed)
        var deliveries: [ClaimedDelivery] = []
        var reports: [Int32: LaneReport] = [:]
        for row in try await connection.run(claim, deadline: TestOutbox.deadline) {
            switch row {
            case .delivery(let delivery): deliveries.append(delivery)
            case .report(let report): reports[report.endpoint] = report
            }
        }
        return (deliveries, reports)
    }

    /// Settles a batch; returns the ids that were stale.
    @discardableResult
    package func settle(_ batch: [Settlement], again: Bool = false) async throws(PostgresError) -> [Int64] {
        try await connection.run(
            SettleDeliveries(worker: id, batch: batch, again: again, now: .now), deadline: TestOutbox.deadline
        ).compactMap { if case .stale(let id) = $0 { id } else { nil } }
    }

    /// Settles a batch, but for what another session holds; returns what it left.
    package func settleLeaving(_ batch: [Settlement]) async throws(PostgresError) -> [Settlement] {
        try await connection.run(
            SettleDeliveries(worker: id, batch: batch, again: false, leave: true, now: .now),
            deadline: TestOutbox.deadline
        ).compactMap { if case .left(let place) = $0 { batch[place] } else { nil } }
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
    /// What a worker could record.
    package init(madeUp delivery: ClaimedDelivery, _ outcome: Outcome) {
        self.init(delivery, outcome)
        duration = 12_345
        switch outcome {
        case .delivered: httpStatus = 200
        case .retry, .dead: (httpStatus, errorCode) = (503, .httpStatus)
        case .gone, .disabled: (httpStatus, errorCode) = (410, .httpStatus)
        case .expired, .filtered, .released, .spent: break
        }
    }
}
