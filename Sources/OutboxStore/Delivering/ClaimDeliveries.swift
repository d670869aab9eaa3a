package import Postgres

/// Takes due deliveries and leases them to a worker. See `postrider.claim` in the migrations for locks and order.
package struct ClaimDeliveries: PostgresStatement {
    /// What a claim brings: deliveries, and for each lane that was named a report.
    package enum Row: Hashable, Sendable {
        case delivery(ClaimedDelivery)
        case report(LaneReport)
    }

    package let sql = """
        SELECT c.endpoint_id, c.state, c.from_at, c.next_at,
               c.revision, c.due_at, c.id, c.attempt, c.attempt_base, c.event_id, c.event_at, c.bytes, c.lease_until,
               c.ignore_expiry, c.lapsed, c.superseded
        FROM postrider.claim($1, $2, $3, $4, $5, $6, $7, $8) c
        """
    package let isQualified = true
    package let isFrequent = true

    /// The worker's id in `postrider.workers`.
    package var worker: Int32
    /// The lanes to take from, in this turn's order.
    package var lanes: [Int32]
    /// The earliest `due_at` to look for in each of `lanes`.
    package var froms: [PostgresTimestamp]
    /// The most rows to take from each of `lanes`.
    package var rooms: [Int32]
    /// The most rows in all.
    package var budget: Int32
    /// The most payload bytes in all; one row is taken even if it is larger.
    package var byteBudget: Int64
    /// A lease lasts the endpoint's timeout plus this.
    package var leaseSlack: Duration
    /// Leases that ended after this, by the database's clock, are left to their owners for now.
    package var lapsed: PostgresTimestamp

    package init(
        worker: Int32, lanes: [Int32], froms: [PostgresTimestamp], rooms: [Int32], budget: Int32, byteBudget: Int64,
        leaseSlack: Duration, lapsed: PostgresTimestamp = .infinity
    ) {
        self.worker = worker
        self.lanes = lanes
        self.froms = froms
        self.rooms = rooms
        self.budget = budget
        self.byteBudget = byteBudget
        self.leaseSlack = leaseSlack
        self.lapsed = lapsed
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(worker)
        parameters.append(lanes)
        parameters.append(froms)
        parameters.append(rooms)
        parameters.append(budget)
        parameters.append(byteBudget)
        parameters.append(leaseSlack)
        parameters.append(lapsed)
    }

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        let endpoint: Int32 = try row.column(0)
        if let state = try row.column(1, as: Int16?.self) {
            guard let state = LaneReport.State(rawValue: state) else {
                throw PostgresError(.unexpectedValue, "a lane has the unknown state \(state)")
            }
            return .report(
                LaneReport(
                    endpoint: endpoint, state: state, from: try row.column(2), nextAt: try row.column(3),
                    lapsed: try row.column(14), superseded: try row.column(15)))
        }
        return .delivery(
            ClaimedDelivery(
                worker: worker, endpoint: endpoint, revision: try row.column(4), dueAt: try row.column(5),
                id: try row.column(6),
                attempt: try row.column(7), attemptBase: try row.column(8), event: try row.column(9),
                eventAt: try row.column(10), bytes: try row.column(11), leaseUntil: try row.column(12),
                ignoresExpiry: try row.column(13)))
    }
}

/// What a claim found out about a lane that it named.
package struct LaneReport: Hashable, Sendable {
    /// What is left in a lane, as `postrider.claim` numbers it.
    package enum State: Int16, Sendable {
        /// More is due.
        case more = 0
        /// Nothing more is due until `nextAt`.
        case empty = 1
        /// Its rate limit has no token until `nextAt`.
        case limited = 2
        /// As much is in flight as its limit allows. It goes on when this worker settles one of it, or at `nextAt`.
        case full = 3
        /// Another transaction holds it.
        case busy = 4
        /// Paused, disabled or removed: until its settings change, or until `nextAt`.
        case closed = 5
    }

    package let endpoint: Int32
    package let state: State
    /// No live row of the lane that this claim saw is due before this.
    package let from: PostgresTimestamp
    package let nextAt: PostgresTimestamp
    /// Of how many deliveries that the claim took the lease had run out: their worker never reported.
    package let lapsed: Int32
    /// How many deliveries the claim ended because a newer event of their ordering key is there.
    package let superseded: Int32

    package init(
        endpoint: Int32, state: State, from: PostgresTimestamp, nextAt: PostgresTimestamp, lapsed: Int32 = 0,
        superseded: Int32 = 0
    ) {
        self.endpoint = endpoint
        self.state = state
        self.from = from
        self.nextAt = nextAt
        self.lapsed = lapsed
        self.superseded = superseded
    }
}

/// A delivery that this worker holds a lease on. `id`, `attempt` and the worker are its fencing token.
package struct ClaimedDelivery: Hashable, Sendable {
    /// The id under which it was claimed. Its outcome is recorded under that, even if the worker has another id by then.
    package var worker: Int32
    /// The endpoint it is owed to.
    package var endpoint: Int32
    /// The endpoint's revision at the time of the claim: settings older than this must not be used.
    package var revision: Int32
    /// Part of the row's key.
    package var dueAt: PostgresTimestamp
    /// The delivery's id.
    package var id: Int64
    /// The number of this attempt, counted from 1; no other attempt of the delivery has it. Some are stepped over.
    package var attempt: Int16
    /// Attempts before the last replay, and those that were given back unsent: the retry schedule does not count them. -1 once the
    /// event was cancelled.
    package var attemptBase: Int16
    /// The event.
    package var event: Int64
    /// When the event's transaction began; with `event`, its key.
    package var eventAt: PostgresTimestamp
    /// Size of the event's payload or body.
    package var bytes: Int32
    /// When the lease ends, by the database's clock.
    package var leaseUntil: PostgresTimestamp
    /// Whether it is sent although its event has expired: an operator said so.
    package var ignoresExpiry = false

    /// Both parts of the event's key: an id alone may be there twice after a sequence was set back.
    package var eventKey: EventKey { EventKey(createdAt: eventAt, id: event) }
    /// Whether the attempt has the highest number that the database can keep. The claim does not count beyond it, so the number
    /// may be that of an attempt before, and nothing may be sent under it.
    package var hasLastNumber: Bool { attempt == .max }
    /// The attempt's place in the retry schedule, counted from 1.
    package var attemptInSchedule: Int { Int(attempt) - Int(max(attemptBase, 0)) }
}
