import OutboxStore
import Postgres
import TestSupport

@testable import Worker

/// Workers, each with a schedule, a database and endpoints, in simulated time: a tick is a millisecond.
///
/// A worker looks every two ticks; a claim takes two, and so does a settle.
struct SimulatedScene {
    struct Delivery {
        let id: Int
        let endpoint: Int32
        let worker: Int
        let claimedAt: Int
        let dueAt: PostgresTimestamp
        let bytes: Int
    }

    struct Worker {
        var schedule: Schedule
        let limits: ScheduleLimits
        var isAlive = true
        /// Whether it claims; what it holds is answered and settled all the same.
        var mayClaim = true
        var news = 0
        var lookedAt = 0
        /// A claim on its way: what it will bring, and when.
        var claim: (plan: ClaimPlan, result: SimulatedDatabase.Claimed?, until: Int, leases: PostgresTimestamp)?
        /// Of each lane, how many deliveries are held: what the schedule's books are compared with.
        var held: [Int32: Int] = [:]
        var answered: [(delivery: Delivery, answer: Schedule.Answer)] = []
        var heldInAll = 0
        var heldBytes = 0
        var pace = ClaimPace()
    }

    static let claimTicks = 2
    static let settleTicks = 2

    var database = SimulatedDatabase()
    var workers: [Worker]
    var random: SeededGenerator
    /// Ticks until an endpoint answers, and what it answers.
    var answer: (Int32, inout SeededGenerator) -> (ticks: Int, answer: Schedule.Answer) = { _, _ in (5, .delivered) }
    /// When an attempt that failed is repeated.
    var retryTicks = 5_000
    var leaseTicks = 30_000
    /// Of a thousand claims, how many fail.
    var failingClaims = 0
    /// Of a thousand outcomes, how many are given up.
    var givenUp = 0
    /// How far a worker's idea of the database's clock may be off, in ticks.
    var clockError = 0
    /// Whether the books are compared after each step.
    var checksBooks = false
    /// How much work of a claim takes a tick more, see ``ClaimPace``; `nil` when all claims take the same.
    var workPerTick: Int?

    // MARK: What was seen

    private(set) var claims = 0
    /// Lanes named for which a claim brought nothing.
    private(set) var emptyNames = 0
    private(set) var delivered = 0
    /// Waits from due to claim in ticks, of the lanes that ``isMeasured`` says.
    private(set) var waits: [Int] = []
    var isMeasured: (Int32) -> Bool = { _ in false }
    private(set) var missed = 0
    private(set) var faults: [String] = []
    private(set) var servedOfTenant: [Int: Int] = [:]

    private var answers: [Int: [(Delivery, Schedule.Answer)]] = [:]
    private var settles: [Int: [(Delivery, Schedule.Answer)]] = [:]

    init(workers count: Int = 1, permits: Int, bytes: Int = 64 << 20, seed: UInt64 = 1) {
        workers = (0..<count).map { _ in
            Worker(
                schedule: Schedule(permits: permits, bytes: bytes),
                limits: ScheduleLimits(permits: permits, bytes: bytes))
        }
        random = SeededGenerator(seed: seed)
    }

    mutating func add(_ lanes: some Sequence<Int32>, tenant: (Int32) -> Int = { _ in 1 }) {
        for lane in lanes { database.lanes[lane] = SimulatedDatabase.Lane(tenant: tenant(lane)) }
    }

    mutating func run(ticks: Int, each: (inout SimulatedScene) -> Void = { _ in }) {
        for _ in 0..<ticks {
            database.tick += 1
            each(&self)
            settle()
            for (delivery, answer) in answers.removeValue(forKey: database.tick) ?? [] {
                take(answer, of: delivery)
            }
            for worker in workers.indices where workers[worker].isAlive { turn(worker) }
        }
    }

    private mutating func now() -> PostgresTimestamp {
        guard clockError > 0 else { return database.now }
        return database.after(Int.random(in: -clockError...clockError, using: &random))
    }

    // MARK: A worker's turn

    private mutating func turn(_ worker: Int) {
        if let claim = workers[worker].claim {
            guard claim.until <= database.tick else { return }
            workers[worker].claim = nil
            end(claim.plan, claim.result, claim.leases, of: worker)
        }
        if database.tick - workers[worker].lookedAt >= 2 { look(worker) }
        guard workers[worker].mayClaim else { return }
        let now = now()
        let free = workers[worker].limits.permits - workers[worker].heldInAll
        let freeBytes = max(0, workers[worker].limits.bytes - workers[worker].heldBytes)
        let isPaced = workPerTick != nil && workers[worker].schedule.hasLively
        let work = isPaced ? workers[worker].pace.work : .max
        guard
            let plan = workers[worker].schedule.nextClaim(
                now: now, freePermits: free, freeBytes: freeBytes, work: work)
        else {
            let wake = workers[worker].schedule.nextWake(now: now, freePermits: free, freeBytes: freeBytes)
            if let wake, wake <= now { faults.append("would wake at once with nothing to claim") }
            return
        }
        claims += 1
        checkPlan(plan, worker, free, freeBytes)
        let fails = Int.random(in: 0..<1_000, using: &random) < failingClaims
        let isLost = fails && Bool.random(using: &random)
        let result =
            isLost
            ? nil : database.claim(plan, by: worker, lease: leaseTicks, lock: Self.claimTicks)
        var ticks = Self.claimTicks
        if let workPerTick {
            let work = plan.work(rows: result?.deliveries.count ?? 0)
            ticks += work / workPerTick
            if isPaced { workers[worker].pace.took(.milliseconds(ticks), work: work) }
        }
        workers[worker].claim = (plan, fails ? nil : result, database.tick + ticks, database.after(leaseTicks))
        checkBooks(worker)
    }

    private mutating func look(_ worker: Int) {
        workers[worker].lookedAt = database.tick
        guard workers[worker].news < database.news.count else { return }
        let found = database.look(since: workers[worker].news)
        workers[worker].news = database.news.count
        let now = now()
        workers[worker].schedule.noticed(found, now: now)
    }

    /// Walks over all lanes. What is new is looked for first.
    mutating func walk(_ worker: Int, counts: Bool = true) {
        while workers[worker].claim != nil { run(ticks: 1) }
        look(worker)
        let now = now()
        let count = workers[worker].schedule.walked(database.walk(), now: now)
        if counts { missed += count }
        checkBooks(worker)
    }

    private mutating func end(
        _ plan: ClaimPlan, _ result: SimulatedDatabase.Claimed?, _ leases: PostgresTimestamp, of worker: Int
    ) {
        let now = now()
        guard let result else {
            workers[worker].schedule.claimFailed(plan, recheckAt: leases, now: now)
            return
        }
        var counts: [Int32: Int] = [:]
        for delivery in result.deliveries {
            counts[delivery.endpoint, default: 0] += 1
            submit(
                Delivery(
                    id: delivery.id, endpoint: delivery.endpoint, worker: worker, claimedAt: database.tick,
                    dueAt: delivery.dueAt, bytes: database.bytesOfRow(delivery.endpoint)))
        }
        emptyNames += plan.lanes.count { counts[$0.endpoint] == nil }
        let taken = counts.sorted { $0.key < $1.key }.map {
            LaneCount(endpoint: $0.key, count: $0.value, bytes: $0.value * database.bytesOfRow($0.key))
        }
        workers[worker].schedule.claimed(plan, taken: taken, reports: result.reports, now: now)
        for lane in plan.lanes {
            workers[worker].schedule.belongs(lane.endpoint, to: database.lanes[lane.endpoint]?.tenant ?? 0)
        }
        checkBooks(worker)
    }

    private mutating func submit(_ delivery: Delivery) {
        workers[delivery.worker].held[delivery.endpoint, default: 0] += 1
        workers[delivery.worker].heldInAll += 1
        workers[delivery.worker].heldBytes += delivery.bytes
        servedOfTenant[database.lanes[delivery.endpoint]?.tenant ?? 0, default: 0] += 1
        if isMeasured(delivery.endpoint) {
            let wait = database.now.rawValue - delivery.dueAt.rawValue
            waits.append(Int(wait / 1_000) - Self.claimTicks)
        }
        let (ticks, answer) = answer(delivery.endpoint, &random)
        answers[database.tick + max(1, ticks), default: []].append((delivery, answer))
    }

    private mutating func take(_ answer: Schedule.Answer, of delivery: Delivery) {
        guard workers[delivery.worker].isAlive else { return }
        let now = now()
        let took = Duration.milliseconds(database.tick - delivery.claimedAt)
        workers[delivery.worker].schedule.answered(delivery.endpoint, answer, took: took, now: now)
        settles[database.tick + Self.settleTicks, default: []].append((delivery, answer))
        checkBooks(delivery.worker)
    }

    private mutating func settle() {
        var counts: [Int: [Int32: Int]] = [:]
        for (delivery, answer) in settles.removeValue(forKey: database.tick) ?? []
        where workers[delivery.worker].isAlive {
            if Int.random(in: 0..<1_000, using: &random) < givenUp {
                let until = database.lanes[delivery.endpoint]?.leases[delivery.id]?.until
                if let until { workers[delivery.worker].schedule.leaseWillEnd(delivery.endpoint, at: until) }
            } else {
                let retryIn: Int? =
                    switch answer {
                    case .delivered: nil
                    case .failed: retryTicks
                    case .none: 0
                    }
                if database.settle(delivery.id, of: delivery.endpoint, retryIn: retryIn), retryIn == nil {
                    delivered += 1
                }
            }
            workers[delivery.worker].held[delivery.endpoint, default: 0] -= 1
            workers[delivery.worker].heldInAll -= 1
            workers[delivery.worker].heldBytes -= delivery.bytes
            counts[delivery.worker, default: [:]][delivery.endpoint, default: 0] += 1
        }
        for (worker, lanes) in counts.sorted(by: { $0.key < $1.key }) {
            let settled = lanes.sorted { $0.key < $1.key }.map {
                LaneCount(endpoint: $0.key, count: $0.value, bytes: $0.value * database.bytesOfRow($0.key))
            }
            let now = now()
            workers[worker].schedule.settled(settled, now: now)
            checkBooks(worker)
        }
    }

    // MARK: What must hold at every step

    /// Compares what a plan may take with the rules, and counts a fault for each breach.
    private mutating func checkPlan(_ plan: ClaimPlan, _ worker: Int, _ free: Int, _ freeBytes: Int) {
        let schedule = workers[worker].schedule
        let limits = workers[worker].limits
        var suspects = 0
        var firsts = 0
        for named in plan.lanes {
            guard let slot = schedule.slot(of: named.endpoint) else { continue }
            let lane = schedule.lanes[slot]
            let most = lane.standing == .unknown ? limits.suspectPermits : lane.window
            let total = lane.standing == .proven ? min(2 * most, max(most, limits.laneTotal)) : most
            if lane.unanswered + lane.granted > min(most, limits.laneShare) {
                faults.append("a lane has more unanswered than its window")
            }
            if lane.load > total || lane.load > limits.laneTotal { faults.append("a lane holds more than it may") }
            if lane.standing == .suspect { suspects += named.room }
            if lane.standing == .proven, lane.held == 0 { firsts += 1 }
        }
        if plan.lanes.count > Schedule.lanesPerClaim { faults.append("a claim names too many lanes") }
        if plan.budget > free { faults.append("a claim takes more than is free") }
        if plan.byteBudget > freeBytes || plan.byteBudget <= 0 {
            faults.append("a claim takes more bytes than are free")
        }
        if plan.budget > firsts, plan.byteBudget > freeBytes - limits.reservedBytes {
            faults.append("the reserve of bytes was used")
        }
        if suspects > 0, schedule.books.suspectLoad > limits.suspectPermits {
            faults.append("suspects hold more than their part")
        }
        // Only the first permits of proven lanes come out of the reserve.
        if plan.budget > firsts, schedule.books.load > limits.open + firsts { faults.append("the reserve was used") }
    }

    private mutating func checkBooks(_ worker: Int) {
        guard checksBooks else { return }
        faults += workers[worker].schedule.recounted(workers[worker].held, bytesOfRow: database.bytesOfRow)
    }
}

extension Schedule {
    /// Counts everything again from the lanes and from what is really held, and returns what differs.
    func recounted(_ truth: [Int32: Int], bytesOfRow: (Int32) -> Int) -> [String] {
        var faults: [String] = []
        let known = lanes.enumerated().filter { slot(of: $0.element.endpoint) == $0.offset }.map(\.element)
        for lane in known {
            if lane.held != truth[lane.endpoint] ?? 0 { faults.append("lane \(lane.endpoint) holds another number") }
            if lane.queue != lane.rightQueue { faults.append("lane \(lane.endpoint) is in the wrong queue") }
        }
        for (standing, sum) in [
            (Lane.Standing.proven, books.proven), (.unknown, books.unknown), (.suspect, books.suspect),
        ] {
            let alike = known.filter { $0.standing == standing }
            let held = alike.reduce(0) { $0 + (truth[$1.endpoint] ?? 0) }
            let bytes = alike.reduce(0) { $0 + (truth[$1.endpoint] ?? 0) * bytesOfRow($1.endpoint) }
            if sum.lanes != alike.count || sum.held != held || sum.bytes != bytes
                || sum.granted != alike.reduce(0, { $0 + $1.granted })
                || sum.room != alike.reduce(0, { $0 + (standing == .unknown ? $1.firstRoom : $1.room) })
                || sum.window
                    != alike.reduce(0, { $0 + ($1.work == .ready ? (standing == .unknown ? 1 : $1.window) : 0) })
            {
                faults.append("the books of \(standing) lanes differ")
            }
        }
        let unknown = known.filter { $0.standing == .unknown }
        if books.unproven != unknown.reduce(0, { $0 + max(0, $1.load - 1) }) { faults.append("unproven differs") }
        for (tenant, lanes) in Dictionary(grouping: known, by: \.tenant) {
            let load = lanes.reduce(0) { $0 + ($1.standing == .suspect ? 0 : $1.load) }
            if tenants[tenant].load != load { faults.append("tenant \(tenant) holds another number") }
        }
        if known.count(where: { $0.queue != nil }) != Lane.Queue.all.reduce(0, { $0 + count(in: $1) }) {
            faults.append("the queues hold another number of lanes")
        }
        return faults
    }
}
