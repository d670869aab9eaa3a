import Outbox
import OutboxStore
import Postgres

/// Planning claims, and taking in what they found out.
extension Schedule {
    /// While only lanes with a backlog are ready, a claim waits until this part of what they could hold is free. Less, and
    /// claims are small and dear; more, and permits lie idle.
    static let worthwhilePart = 4
    /// But no longer than this, in microseconds.
    static let paceWait: Int64 = 5_000
    /// A lane with a backlog is dealt so many permits at a time, where that is an eighth of what is free at most. Fewer, and a claim of
    /// a hundred lanes takes two rows of each, while to look at a lane costs as much as five rows; more, and lanes wait longer for their turn.
    static let backlogPortion = 16
    /// One of so many permits goes to a suspect while others want them all, so that it can show that it has recovered.
    static let suspectTurn = 8
    /// What is due for so long and not claimed makes a backlog. Shorter, and a lively lane that waited for a moment counts as one
    /// with a backlog, and waits on; longer, and one with a backlog passes for lively at first.
    static let oldWork = Duration.milliseconds(250)
    /// A lane that was claimed in vain rests: the first time for so long, and each further time twice as long, in
    /// microseconds.
    static let shortestRest: Int64 = 2_000
    static let longestRest: Int64 = 20_000
    /// A lane at its in-flight limit is claimed again after so long although nothing of it was settled here: what other workers
    /// hold of it may have ended, and they do not tell. Twice as long each time until a claim brings something, or finds that
    /// deliveries have ended; in microseconds. Longer, and a lane stands still that its other worker has left; shorter, and full
    /// lanes cost statements.
    static let shortestFull: Int64 = 50_000
    static let longestFull: Int64 = 1_000_000
    /// A lane that is at a limit without a time at which that ends, which the database does not say, in microseconds.
    static let unknownRest: Int64 = 1_000_000

    /// What may be dealt now.
    struct Room {
        let free: Int
        /// The most to deal, even if more is free.
        let most: Int
        /// For all but the first permits of proven lanes.
        var open: Int
        var suspects: Int
        let bytes: Int
        let suspectBytes: Int

        init(_ schedule: Schedule, _ freePermits: Int, _ freeBytes: Int, _ most: Int) {
            self.most = most
            let limits = schedule.limits
            let books = schedule.books
            let free = freeBytes > 0 ? max(0, min(freePermits, limits.permits - books.load)) : 0
            self.free = free
            let hasOpenBytes = freeBytes > limits.reservedBytes
            open = hasOpenBytes ? max(0, free - limits.reserve) : 0
            bytes = hasOpenBytes ? freeBytes - limits.reservedBytes : freeBytes
            suspectBytes = limits.suspectBytes - books.suspect.bytes
            // One that is larger than all of their bytes is let in alone.
            let mayTake = suspectBytes > 0 || books.suspectLoad == 0
            suspects = mayTake ? max(0, min(open, limits.suspectPermits - books.suspectLoad)) : 0
        }
    }

    // MARK: Planning

    /// The next claim, or `nil` if there is nothing to claim now. Each plan has to be followed by ``claimed(_:taken:reports:now:)``
    /// or ``claimFailed(_:recheckAt:now:)``.
    ///
    /// - Parameters:
    ///   - freePermits: how many further deliveries the worker may hold, if that is less than the schedule knows itself.
    ///   - freeBytes: how many further payload bytes it may hold.
    ///   - atMost: how many deliveries the claim may bring, however many permits are free.
    ///   - work: how much work it may be, see ``ClaimPace``.
    mutating func nextClaim(
        now: PostgresTimestamp, freePermits: Int, freeBytes: Int, atMost: Int = .max, work: Int = .max
    ) -> ClaimPlan? {
        // A plan that was not carried out must not keep its lanes.
        for slot in claiming { giveBack(slot) }
        claiming = []
        advance(now)
        let room = Room(self, freePermits, freeBytes, atMost)
        guard let time = claimTime(room), time <= steady.now else { return nil }
        deal(room, work)
        guard !claiming.isEmpty else { return nil }
        hasFreshLane = false
        lastClaim = steady.now
        let named = claiming.map { slot in
            ClaimPlan.Lane(
                endpoint: lanes[slot].endpoint, from: lanes[slot].from, room: lanes[slot].granted,
                isNew: lanes[slot].standing == .unknown, isLively: lanes[slot].isLively)
        }
        for slot in claiming {
            change(slot) { lane in
                lane.work = .claiming
                lane.wasFreed = false
            }
        }
        return ClaimPlan(
            lanes: named, budget: named.reduce(0) { $0 + $1.room }, byteBudget: room.bytes, madeAt: now)
    }

    /// When to claim, in ``SteadyTime``; `nil` when nothing can be claimed.
    func claimTime(_ room: Room) -> Int64? {
        let suspectRoom = nextSuspect(room.suspects) == nil ? 0 : min(room.suspects, books.suspectRoom)
        guard room.most > 0 else { return nil }
        let usable = min(room.open, room.most, books.proven.room + books.unknown.room + suspectRoom)
        guard usable > 0 || firstInReserve(room.free) != nil else { return nil }
        if hasFreshLane { return steady.now }
        let most = min(
            limits.open, room.most,
            books.proven.window + books.unknown.window + min(books.suspect.window, limits.suspectPermits))
        return usable * Self.worthwhilePart >= most ? steady.now : max(steady.now, lastClaim + Self.paceWait)
    }

    /// Deals the permits that are free, and puts the lanes that get any into `claiming`.
    private mutating func deal(_ start: Room, _ work: Int) {
        var free = min(start.free, start.most)
        var room = start
        var suspectBytes = start.suspectBytes
        var work = work
        var unknown = max(Self.unknownPerClaim, start.free / Self.unknownPart)
        // Half of an even share at a time: exact enough, and a lone lane does not get its batch one by one.
        let ready = count(in: .lively) + count(in: .first) + count(in: .more) + count(in: .unknown)
        let portion = max(1, min(room.open, free) / max(1, 2 * ready))
        let backlogPortion = max(portion, min(Self.backlogPortion, min(room.open, free) / 8))
        while free > 0, work > 0, let slot = nextToServe(free, room, unknown > 0) {
            let lane = lanes[slot]
            if lane.granted == 0 {
                guard claiming.count < Self.lanesPerClaim else { break }
                claiming.append(slot)
                work -= ClaimPlan.Lane.work(isNew: lane.standing == .unknown)
                if lane.standing == .unknown { unknown -= 1 }
            }
            noteTurn(of: lane)
            let fair = lane.isQueueing ? backlogPortion : lane.queue == .more ? portion : 1
            let count = max(1, min(fair, lane.room, room.open, free, work))
            grant(count, to: slot)
            free -= count
            work -= count * ClaimPlan.workOfRow
            room.open = max(0, room.open - count)
            room.suspects = min(room.suspects, room.open)
            if lane.queue?.isSuspect == true {
                suspectBytes -= lane.rowBytes
                room.suspects = suspectBytes > 0 ? max(0, room.suspects - 1) : 0
                dealtSinceSuspect = 0
            } else {
                dealtSinceSuspect = min(dealtSinceSuspect + count, Self.suspectTurn)
            }
        }
    }

    private mutating func noteTurn(of lane: Lane) {
        dealtToLively = lane.queue == .lively
        if !dealtToLively { dealtToUnknown = lane.queue == .unknown }
    }

    /// The lane that gets the next permit: a suspect only when it is its turn or when no other lane can use it. Lively lanes
    /// take turns with all others, so that they wait for no crowd that is due at once, and no crowd for them; but not where their
    /// tenant holds more than the other's and more than a few.
    ///
    /// - Parameter mayTakeUnknown: whether the claim may name a further lane that has not answered yet.
    private func nextToServe(_ free: Int, _ room: Room, _ mayTakeUnknown: Bool) -> Int? {
        guard room.open > 0 else { return firstInReserve(free) }
        let suspect = nextSuspect(room.suspects)
        if let suspect, dealtSinceSuspect >= Self.suspectTurn - 1 { return suspect }
        guard let other = nextOther(mayTakeUnknown) else { return next(in: .lively)?.slot ?? suspect }
        if let lively = next(in: .lively), !dealtToLively,
            lively.tenant.value <= max(other.tenant.value, Int64(ScheduleLimits.few))
        {
            return lively.slot
        }
        return other.slot
    }

    /// The next lane that is neither lively nor suspect. Those that have never answered take turns with those that have: hundreds
    /// that are new at once do not keep one waiting that has answered quickly.
    private func nextOther(_ mayTakeUnknown: Bool) -> ReadyLanes.Next? {
        let first = next(in: .first)
        let unknown = !mayTakeUnknown || dealtToUnknown && first != nil ? nil : next(in: .unknown)
        if let unknown, first != nil { return unknown }
        var best = first ?? unknown
        if let more = next(in: .more), best.map({ ($0.tenant, $0.lane) > (more.tenant, more.lane) }) ?? true {
            best = more
        }
        return best
    }

    /// A proven lane that holds nothing and may use the reserve.
    private func firstInReserve(_ free: Int) -> Int? {
        guard free > 0 else { return nil }
        for queue in [Lane.Queue.lively, .first] {
            guard let next = next(in: queue), next.lane.value == 0 else { continue }
            if free > limits.reserveOfSmallTenants || next.tenant.value < limits.reserve { return next.slot }
        }
        return nil
    }

    private func nextSuspect(_ free: Int) -> Int? {
        guard free > 0 else { return nil }
        if let first = next(in: .suspectFirst) { return first.slot }
        guard let more = next(in: .suspectMore) else { return nil }
        let left = max(0, limits.suspectPermits - books.suspectLoad)
        return FairShare.standard.room(free: left, held: lanes[more.slot].load) > 0 ? more.slot : nil
    }

    // MARK: What became of it

    /// Takes in what a claim brought and what it found out.
    ///
    /// - Parameters:
    ///   - plan: what was claimed.
    ///   - taken: the deliveries, for each lane that brought any. They are held from now on.
    ///   - reports: one for each lane that the plan names. A lane without one counts as busy.
    mutating func claimed(_ plan: ClaimPlan, taken: [LaneCount], reports: [LaneReport], now: PostgresTimestamp) {
        advance(now)
        claiming = []
        let took = Dictionary(taken.map { ($0.endpoint, $0) }, uniquingKeysWith: { first, _ in first })
        let found = Dictionary(reports.map { ($0.endpoint, $0) }, uniquingKeysWith: { first, _ in first })
        for named in plan.lanes {
            let slot = know(named.endpoint)
            hold(slot, took[named.endpoint], from: named.from)
            guard lanes[slot].work == .claiming else { continue }
            if named.isLively, found[named.endpoint]?.state == .empty { lastLively = steady.now }
            let report =
                found[named.endpoint]
                ?? LaneReport(endpoint: named.endpoint, state: .busy, from: named.from, nextAt: .infinity)
            follow(report, of: slot, named, hasRows: (took[named.endpoint]?.count ?? 0) > 0, plan.madeAt, now)
        }
    }

    /// It is not known whether a claim leased anything. Its lanes stay, and are claimed again when such leases would end.
    mutating func claimFailed(_ plan: ClaimPlan, recheckAt: PostgresTimestamp, now: PostgresTimestamp) {
        advance(now)
        claiming = []
        for named in plan.lanes {
            let slot = know(named.endpoint)
            giveBack(slot)
            rechecks.add(Rechecks.Entry(at: recheckAt, endpoint: named.endpoint, from: named.from))
        }
    }

    /// A lane that was named is ready again, as if it had not been.
    private mutating func giveBack(_ slot: Int) {
        guard lanes[slot].work == .claiming else { return }
        change(slot) { lane in
            lane.granted = 0
            lane.work = .ready
            lane.from = min(lane.from, lane.toldFrom)
            lane.toldFrom = .infinity
            lane.toldAt = .infinity
        }
    }

    private mutating func hold(_ slot: Int, _ taken: LaneCount?, from: PostgresTimestamp) {
        let time = steady.now
        change(slot) { lane in
            lane.granted = 0
            guard let taken, taken.count > 0 else { return }
            if lane.unanswered == 0 { lane.silentSince = time }
            lane.held += taken.count
            lane.unanswered += taken.count
            lane.bytes += taken.bytes
            lane.rowBytes = taken.bytes / taken.count
            lane.heldFrom = min(lane.heldFrom, from)
            lane.fruitless = 0
        }
        if lanes[slot].unanswered > 0 { watch(slot) }
    }

    /// Does with a lane what the claim says of it.
    private mutating func follow(
        _ report: LaneReport, of slot: Int, _ named: ClaimPlan.Lane, hasRows: Bool, _ madeAt: PostgresTimestamp,
        _ now: PostgresTimestamp
    ) {
        let told = (from: lanes[slot].toldFrom, at: lanes[slot].toldAt)
        let wasFreed = lanes[slot].wasFreed
        let time = steady.now
        change(slot) { lane in
            lane.toldFrom = .infinity
            lane.toldAt = .infinity
            lane.from = report.state == .busy ? min(named.from, report.from) : report.from
            lane.wanted = .max
            lane.until = report.nextAt
            lane.hasBacklog = report.state == .more && lane.from.advanced(by: Self.oldWork) <= now
            switch report.state {
            case .more where hasRows: lane.work = .ready
            case .more, .busy: lane.rest(since: time, isFirstFree: report.state == .more)
            case .empty: lane.work = .waiting
            case .limited: lane.work = .limited
            case .full: lane.fill(since: time, hasMoved: report.from > named.from)
            case .closed:
                lane.work = .closed
                lane.isFailing = report.nextAt < .infinity
            }
            if report.state == .empty, report.nextAt == .infinity { lane.forgetWork() }
            if lane.work == .limited, report.nextAt == .infinity {
                lane.rest(since: time, for: Self.unknownRest)
            }
            // By this worker's reckoning the time had come when it asked, and by the database's it had not: ask again soon.
            if lane.waitsForTime, lane.until <= madeAt {
                lane.rest(since: time, isFirstFree: false)
            } else if lane.work != .resting, lane.work != .full {
                lane.fruitless = 0
            }
        }
        if wasFreed, [.full, .closed].contains(lanes[slot].work) { makeReady(slot) }
        if lanes[slot].waitsForTime, lanes[slot].until <= now { makeReady(slot) }
        if told.from < .infinity { tell(slot, from: told.from, at: told.at, rows: .max, now) }
    }
}

extension Lane {
    /// Nothing is left in it.
    fileprivate mutating func forgetWork() {
        work = .idle
        from = .infinity
        wanted = 0
    }

    /// Lets it rest after a claim in vain, longer each time in a row.
    fileprivate mutating func rest(since time: Int64, isFirstFree: Bool) {
        let times = isFirstFree ? fruitless - 1 : fruitless
        fruitless = min(fruitless + 1, 16)
        rest(since: time, for: times < 0 ? 0 : min(Schedule.shortestRest << times, Schedule.longestRest))
    }

    /// Lets it wait for a settle here, or for a moment, longer each time in a row that its first row is the same.
    fileprivate mutating func fill(since time: Int64, hasMoved: Bool) {
        work = .full
        if hasMoved { fruitless = 0 }
        restsUntil = time + min(Schedule.shortestFull << fruitless, Schedule.longestFull)
        fruitless = min(fruitless + 1, 16)
    }

    fileprivate mutating func rest(since time: Int64, for length: Int64) {
        work = .resting
        until = .infinity
        restsUntil = time + length
    }
}
