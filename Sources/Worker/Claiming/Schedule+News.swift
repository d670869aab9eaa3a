import OutboxStore
import Postgres

/// What looks, walks, couriers and settles tell.
extension Schedule {
    /// What a courier says of a delivery.
    enum Answer: Sendable {
        case delivered
        case failed
        /// It was not sent, or it was interrupted: that says nothing about the endpoint.
        case none
    }

    // MARK: From the database

    /// Takes in what a look told. A row is told once, so its lane stays until a claim says that nothing is left in it.
    mutating func noticed(_ found: [FoundLane], now: PostgresTimestamp) {
        advance(now)
        for news in found {
            let slot = know(news.endpoint)
            if news.dueAt < .infinity {
                tell(slot, from: news.dueAt, at: news.dueAt, rows: Self.rows(news.count), now)
            }
            if news.hasChanged { open(slot) }
        }
    }

    /// Takes in what a walk found.
    ///
    /// - Returns: how many lanes could be claimed, or will be, without the schedule knowing of it. Of the first walk and of
    ///   one after ``forgetAll()`` the number means nothing.
    mutating func walked(_ found: [WalkedLane], now: PostgresTimestamp) -> Int {
        advance(now)
        var missed = 0
        for walked in found where walked.nextAt < .infinity {
            let slot = know(walked.endpoint)
            if !knows(lanes[slot], walked, now) { missed += 1 }
            if lanes[slot].work == .closed { change(slot) { $0.until = min($0.until, walked.nextAt) } }
            tell(slot, from: walked.from, at: walked.nextAt, rows: .max, now)
        }
        // Closed lanes of which the walk says that they have opened.
        advance(now)
        return missed
    }

    private func knows(_ lane: Lane, _ walked: WalkedLane, _ now: PostgresTimestamp) -> Bool {
        // The time may be the end of a lease that is this worker's own.
        if lane.held > 0, walked.nextAt > now { return true }
        switch lane.work {
        case .ready, .claiming, .resting, .limited, .full: return true
        case .waiting, .closed: if lane.until <= walked.nextAt { return true }
        case .idle: break
        }
        guard let recheck = rechecks.earliest(of: lane.endpoint) else { return false }
        return recheck <= walked.nextAt
    }

    /// Forgets all work, since looks may have told it to a connection that is gone: a walk finds it again. What is held
    /// stays, and how the endpoints have answered; so do the rechecks, of which a walk tells only the first of each lane.
    mutating func forgetAll() {
        for slot in lanes.indices where lanes[slot].work != .claiming && lanes[slot].work != .idle {
            change(slot) { lane in
                lane.work = .idle
                lane.from = .infinity
                lane.until = .infinity
                lane.wanted = 0
                lane.fruitless = 0
            }
        }
        hasFreshLane = false
    }

    /// This worker gave up recording something of a lane: the row is due again when its lease ends.
    mutating func leaseWillEnd(_ endpoint: Int32, at: PostgresTimestamp) {
        let from = slot(of: endpoint).map { lanes[$0].heldFrom } ?? .infinity
        rechecks.add(
            Rechecks.Entry(at: at, endpoint: endpoint, from: from < .infinity ? from : .negativeInfinity))
    }

    /// This worker holds these deliveries without having claimed them knowingly; they are given back unsent.
    mutating func found(held counts: [LaneCount], now: PostgresTimestamp) {
        advance(now)
        for found in counts {
            change(know(found.endpoint)) { lane in
                lane.held += found.count
                lane.bytes += found.bytes
            }
        }
    }

    /// Something of a lane can be claimed from a time on.
    mutating func tell(
        _ slot: Int, from: PostgresTimestamp, at: PostgresTimestamp, rows: Int, _ now: PostgresTimestamp
    ) {
        guard lanes[slot].work != .claiming else {
            // Looks and claims follow each other, so this was told after the claim's snapshot only if the caller broke
            // that order. Then the report must not erase it.
            change(slot) { lane in
                lane.toldFrom = min(lane.toldFrom, from)
                lane.toldAt = min(lane.toldAt, at)
            }
            return
        }
        change(slot) { lane in
            lane.from = min(lane.from, from)
            lane.wanted = Self.sum(lane.wanted, rows)
            if lane.work == .idle {
                lane.work = .waiting
                lane.until = at
            } else if lane.work == .waiting {
                lane.until = min(lane.until, at)
            }
        }
        if lanes[slot].work == .waiting, lanes[slot].until <= now { makeReady(slot) }
    }

    /// The settings of a lane have changed, so what a claim found out about it does not hold any more.
    private mutating func open(_ slot: Int) {
        guard lanes[slot].work != .claiming else {
            change(slot) { $0.wasFreed = true }
            return
        }
        change(slot) { lane in
            // Rows of a lane that opens keep their old times, and looks told them long ago.
            if lane.from == .infinity { lane.from = .negativeInfinity }
            lane.wanted = .max
            lane.fruitless = 0
        }
        makeReady(slot)
    }

    mutating func makeReady(_ slot: Int) {
        let time = steady.now
        change(slot) { lane in
            lane.isBusy = time - lane.answeredAt <= Self.lately.microseconds
            lane.work = .ready
            lane.until = .infinity
            lane.wanted = max(lane.wanted, 1)
        }
        // A lane that is no suspect and could not be claimed before is not kept waiting by the pace.
        if let queue = lanes[slot].queue, !queue.isSuspect { hasFreshLane = true }
    }

    private static func rows(_ count: Int) -> Int { count >= manyRows ? .max : max(count, 1) }

    private static func sum(_ one: Int, _ other: Int) -> Int {
        let (sum, overflow) = one.addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    // MARK: From couriers and the settler

    /// A courier has ended a delivery, which stays held until it is settled. What never came to a courier needs no call.
    mutating func answered(_ endpoint: Int32, _ answer: Answer, took: Duration, now: PostgresTimestamp) {
        advance(now)
        guard let slot = slot(of: endpoint) else { return }
        let time = steady.now
        let highest = limits.laneShare
        change(slot) { lane in
            lane.unanswered = max(0, lane.unanswered - 1)
            if answer != .none {
                lane.silentSince = time
                lane.isSilent = false
                lane.wasQuick = answer == .delivered && took <= Self.quick
                lane.answeredAt = time
                if answer == .delivered { lane.isFailing = false }
                lane.isBusy = true
                lane.window = answer == .delivered ? min(lane.window + 1, highest) : 1
            }
            if lane.unanswered == 0 { lane.isSilent = false }
        }
        if lanes[slot].unanswered > 0 { watch(slot) }
    }

    /// Permits were given back, as outcomes are recorded or given up.
    mutating func settled(_ counts: [LaneCount], now: PostgresTimestamp) {
        advance(now)
        for settled in counts {
            guard let slot = slot(of: settled.endpoint) else { continue }
            change(slot) { lane in
                lane.held = max(0, lane.held - settled.count)
                lane.bytes = lane.held == 0 ? 0 : max(0, lane.bytes - settled.bytes)
                lane.unanswered = min(lane.unanswered, lane.held)
                if lane.unanswered == 0 { lane.isSilent = false }
                if lane.held == 0 { lane.heldFrom = .infinity }
                if lane.work == .claiming { lane.wasFreed = true }
            }
            if lanes[slot].work == .full { makeReady(slot) }
        }
    }
}
