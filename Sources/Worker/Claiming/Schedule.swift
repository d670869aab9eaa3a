import Postgres

/// Which lanes the next claim names, and how much it may take of each: a pure value without input, output, clock or
/// randomness. The claimer tells it what looks, walks, claims, couriers and settles found out, and asks what to claim.
///
/// All times that are passed in and returned are the database's clock. It may be set back or ahead: what waits for a time
/// waits until that clock shows it, and the waits of the schedule's own follow ``SteadyTime``.
///
/// Looks, walks and claims follow each other, so the order of the calls is the order of their snapshots. Looks begin before
/// the walk of the same turn is told, or the walk would find rows that the next look will tell.
///
/// Each permit goes to the tenant that holds least, and of it to the lane that holds least. What may be held:
/// - a lane: its window, which grows by one with each success and falls to one with a failure, and while its endpoint is quick as much
///   again of what is answered and not recorded;
/// - all suspects together: a quarter of the permits and bytes, one each first. What a lane holds beyond its first permit before
///   it has ever answered counts to that quarter too;
/// - everything but the first permit of a proven lane: fifteen sixteenths.
struct Schedule: Sendable {
    /// An answer within this is quick; and a lane with something unanswered is silent after this.
    static let quick = Duration.seconds(1)
    /// A look counts no further.
    static let manyRows = 64
    /// A lane that was answered within this time is busy. Longer, and more lanes come before those that are claimed now and then;
    /// shorter, and an endpoint with an event a second waits behind a crowd.
    static let lately = Duration.seconds(1)
    /// For so long after a lively lane was claimed, others like it are expected. Longer, and an event to thousands is sent in short
    /// claims because of what was before; shorter, and an endpoint with a few events a second meets long ones.
    static let livelyMemory = Duration.milliseconds(250)
    /// The most lanes of one claim. With more, its lane locks are held long; with fewer, an event to thousands takes many.
    static let lanesPerClaim = 256
    /// The most of them that have not answered yet: so many, or this part of the free permits if that is more. Their endpoints have to
    /// be loaded and connected to. With more, what becomes due in a quick lane waits longer for its claim; with fewer, an event to
    /// thousands is sent in many claims, and each has its fixed part. What bounds a claim by time, ``ClaimPace``, bounds them too.
    static let unknownPerClaim = 64
    static let unknownPart = 8
    /// The most lanes that are remembered when they have no work: about 20 MB. With fewer, an endpoint has to prove itself
    /// again after a silence.
    static let rememberedLanes = 131_072

    let limits: ScheduleLimits
    private(set) var books = ScheduleBooks()
    var steady = SteadyTime()
    /// Since the last claim, a lane that is no suspect became ready.
    var hasFreshLane = false
    /// In ``SteadyTime``; long ago at first.
    var lastClaim: Int64 = .min / 2
    /// Whether the last permit went to a lively lane; and of the others, to one that has not answered yet.
    var dealtToLively = false
    var dealtToUnknown = false
    /// When all that was due of a lively lane was claimed last; in ``SteadyTime``.
    var lastLively: Int64 = .min / 2
    /// Permits dealt to others since one was dealt to a suspect.
    var dealtSinceSuspect = 0
    /// The lanes that the claim on its way names.
    var claiming: [Int] = []

    private(set) var lanes: ContiguousArray<Lane> = []
    private var slotOf: [Int32: Int] = [:]
    private var spare: [Int] = []
    private(set) var tenants = Tenants()
    private var turn: Int64 = 0
    private let rememberedLanes: Int

    private var queues: [ReadyLanes] = Lane.Queue.all.map { _ in ReadyLanes() }
    private var queuePlaces = HeapPlaces()
    /// Lanes with something due, in the order of `from`.
    private var dueFrom = LaneTimes()
    /// Lanes that wait for a time of the database's clock.
    private(set) var waits = LaneTimes()
    /// Lanes that rest until a ``SteadyTime``.
    private(set) var rests = LaneTimes()
    /// When a lane with something unanswered has been silent for too long, in ``SteadyTime``.
    var silences = LaneTimes()
    /// Lanes that may be forgotten, in the order in which they were used last.
    private var forgettable = LaneTimes()
    var rechecks = Rechecks()

    /// - Parameters:
    ///   - permits: the most deliveries that this worker holds.
    ///   - bytes: the most payload bytes that it holds.
    init(permits: Int, bytes: Int, rememberedLanes: Int = Self.rememberedLanes) {
        limits = ScheduleLimits(permits: permits, bytes: bytes)
        self.rememberedLanes = rememberedLanes
    }

    // MARK: What can be read

    /// The earliest time at which something became due that is not claimed, for the lag.
    var oldestDue: PostgresTimestamp? { dueFrom.first.map { PostgresTimestamp(rawValue: $0.time) } }

    func slot(of endpoint: Int32) -> Int? { slotOf[endpoint] }
    func next(in queue: Lane.Queue) -> ReadyLanes.Next? { queues[queue.rawValue].next }
    func count(in queue: Lane.Queue) -> Int { queues[queue.rawValue].count }

    // MARK: Changing lanes

    /// Changes a lane, and with it the books, the queues and what else follows from the lane.
    mutating func change(_ slot: Int, _ body: (inout Lane) -> Void) {
        let tenant = lanes[slot].tenant
        books.count(lanes[slot], -1)
        tenants.count(lanes[slot], -1)
        body(&lanes[slot])
        books.count(lanes[slot], 1)
        tenants.count(lanes[slot], 1)
        if lanes[slot].tenant != tenant, let queue = lanes[slot].queue {
            queues[queue.rawValue].remove(slot, of: tenant, &queuePlaces)
            lanes[slot].queue = nil
        }
        queueAgain(slot)
        moveTenant(lanes[slot].tenant)
        if lanes[slot].tenant != tenant {
            moveTenant(tenant)
            tenants.forgetIfEmpty(tenant)
        }
        orderAgain(slot)
    }

    /// The next turn: lanes and tenants that were served get one.
    mutating func nextTurn() -> Int64 {
        turn += 1
        return turn
    }

    /// Deals permits to a lane for the claim that is being planned.
    mutating func grant(_ count: Int, to slot: Int) {
        let turn = nextTurn()
        tenants[lanes[slot].tenant].turn = turn
        change(slot) { lane in
            lane.granted += count
            lane.turn = turn
        }
    }

    private mutating func queueAgain(_ slot: Int) {
        let lane = lanes[slot]
        let queue = lane.rightQueue
        if let old = lane.queue, old != queue {
            queues[old.rawValue].remove(slot, of: lane.tenant, &queuePlaces)
        }
        lanes[slot].queue = queue
        guard let queue else { return }
        queues[queue.rawValue].put(
            slot, HeapRank(value: Int64(lane.load), turn: lane.turn), of: lane.tenant,
            rank(of: lane.tenant, in: queue), &queuePlaces)
    }

    private mutating func moveTenant(_ tenant: Int) {
        for queue in Lane.Queue.all { queues[queue.rawValue].move(tenant, rank(of: tenant, in: queue)) }
    }

    private func rank(of tenant: Int, in queue: Lane.Queue) -> HeapRank {
        let load = queue.isSuspect ? tenants[tenant].suspectLoad : tenants[tenant].load
        return HeapRank(value: Int64(load), turn: tenants[tenant].turn)
    }

    private mutating func orderAgain(_ slot: Int) {
        let lane = lanes[slot]
        // Where a lane is read from its beginning, it is not known since when something is due.
        if lane.hasDueRows, lane.from > .negativeInfinity {
            dueFrom.put(slot, at: lane.from.rawValue)
        } else {
            dueFrom.remove(slot)
        }
        if lane.waitsForTime { waits.put(slot, at: lane.until.rawValue) } else { waits.remove(slot) }
        if lane.rests { rests.put(slot, at: lane.restsUntil) } else { rests.remove(slot) }
        if !lane.isForgettable {
            forgettable.remove(slot)
        } else if !forgettable.contains(slot) {
            forgettable.put(slot, at: nextTurn())
        }
    }

    // MARK: Knowing lanes

    /// The slot of a lane, which is made known if it is not.
    mutating func know(_ endpoint: Int32) -> Int {
        if let slot = slotOf[endpoint] { return slot }
        if slotOf.count >= rememberedLanes { forgetOldest() }
        let lane = Lane(endpoint: endpoint, most: limits.laneTotal, tenant: Tenants.unknown, turn: turn)
        let slot = spare.popLast() ?? lanes.count
        if slot == lanes.count { lanes.append(lane) } else { lanes[slot] = lane }
        slotOf[endpoint] = slot
        books.count(lane, 1)
        tenants.count(lane, 1)
        orderAgain(slot)
        return slot
    }

    private mutating func forgetOldest() {
        guard let slot = forgettable.pop(upTo: .max) else { return }
        let lane = lanes[slot]
        lanes[slot].work = .idle
        silences.remove(slot)
        books.count(lane, -1)
        tenants.count(lane, -1)
        tenants.forgetIfEmpty(lane.tenant)
        slotOf[lane.endpoint] = nil
        spare.append(slot)
    }

    /// The tenant of a lane, learnt when its endpoint is loaded.
    mutating func belongs(_ endpoint: Int32, to id: Int) {
        guard let slot = slotOf[endpoint] else { return }
        let tenant = tenants.slot(of: id, turn: turn)
        guard lanes[slot].tenant != tenant else { return }
        change(slot) { $0.tenant = tenant }
    }
}
