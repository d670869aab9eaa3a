import Postgres

/// What the schedule knows of one lane.
struct Lane: Sendable {
    /// Where the lane stands with its work.
    enum Work: Sendable {
        /// Nothing is known to be waiting. Next: ready, waiting.
        case idle
        /// Something may be claimed now. Next: claiming.
        case ready
        /// A claim that names it is on its way. Next: any other, as the claim reports.
        case claiming
        /// Something may be claimed when a time has come. Next: ready.
        case waiting
        /// Claimed in vain; it waits for a moment of the schedule's own. Next: ready.
        case resting
        /// No token of its rate limit until a time. Next: ready.
        case limited
        /// At its in-flight limit until a settle here, a time, or a moment of the schedule's own. Next: ready.
        case full
        /// Paused or disabled until its settings change or a time. Next: ready.
        case closed
    }

    /// How the endpoint has been answering.
    enum Standing: Int, CaseIterable, Sendable {
        /// Its last answer was a quick success, and it is not silent.
        case proven
        /// It has not answered yet.
        case unknown
        /// Its last attempt failed or was slow, or it is silent.
        case suspect
    }

    /// The queues of ready lanes.
    enum Queue: Int, CaseIterable, Sendable {
        /// Proven, busy of late, and little of it is held.
        case lively
        /// Proven, not busy of late, and nothing of it is held.
        case first
        /// Proven, and something of it is held.
        case more
        /// Unknown, and nothing of it is held.
        case unknown
        /// Suspect, and nothing of it is held.
        case suspectFirst
        /// Suspect or unknown, and something of it is held.
        case suspectMore

        static let all = allCases

        var isSuspect: Bool { self == .suspectFirst || self == .suspectMore }
    }

    let endpoint: Int32
    /// The most permits that it may ever hold, see ``ScheduleLimits/laneTotal``.
    let most: Int
    /// The place of its tenant in the schedule.
    var tenant: Int

    // MARK: Work

    var work = Work.idle
    /// No row that waits is due before this.
    var from = PostgresTimestamp.infinity
    /// When it can be claimed, while it waits, is limited, full or closed; infinity if no time is known.
    var until = PostgresTimestamp.infinity
    /// The end of a rest, in ``SteadyTime``.
    var restsUntil: Int64 = 0
    /// How many rows wait, as far as is known.
    var wanted = 0
    /// Reports in a row that brought nothing and named no time to wait for, or that said that it is full.
    var fruitless = 0
    /// Told while a claim that names the lane is on its way: the earliest `due_at`, and when it can be claimed.
    var toldFrom = PostgresTimestamp.infinity
    var toldAt = PostgresTimestamp.infinity
    /// Whether it was closed until a time, and nothing was delivered since: what waits there waits for the endpoint.
    var isFailing = false
    /// Told while a claim that names the lane is on its way: something of it was settled, or its settings changed.
    var wasFreed = false

    // MARK: Permits

    /// Deliveries that this worker holds, and their payload bytes.
    var held = 0
    var bytes = 0
    /// Permits that a claim on its way may use.
    var granted = 0
    /// No row that is held is due before this.
    var heldFrom = PostgresTimestamp.infinity
    /// Payload bytes of a delivery in the last claim.
    var rowBytes = 0

    // MARK: Standing

    /// Deliveries held that have not been answered.
    var unanswered = 0
    /// The last answer, or the claim since which something is unanswered; in ``SteadyTime``.
    var silentSince: Int64 = 0
    var isSilent = false
    /// Whether the last answer was a quick success; `nil` before the first one.
    var wasQuick: Bool?
    /// The last answer; in ``SteadyTime``.
    var answeredAt: Int64 = .min / 2
    /// Whether what the last claim left of it had been due for longer than lively lanes wait.
    var hasBacklog = false
    /// Whether its last answer was not long ago when it became ready, or when it came.
    var isBusy = false
    /// Slow start: the most deliveries that may be unanswered once the lane has answered. Before, it shares what suspects may hold.
    var window = 1

    // MARK: Order

    /// When it was served last, in turns.
    var turn: Int64
    var queue: Queue?

    init(endpoint: Int32, most: Int, tenant: Int, turn: Int64) {
        self.endpoint = endpoint
        self.most = most
        self.tenant = tenant
        self.turn = turn
    }

    var standing: Standing {
        if isSilent { return .suspect }
        guard let wasQuick else { return .unknown }
        return wasQuick ? .proven : .suspect
    }

    var load: Int { held + granted }

    /// Whether it is answered quickly and often, and has no backlog.
    var isLively: Bool { standing == .proven && isBusy && !hasBacklog && held < ScheduleLimits.few }

    /// Whether it is answered quickly, and has a backlog.
    var isQueueing: Bool { standing == .proven && hasBacklog }

    /// How many further permits the lane can use. What is answered and not recorded burdens its endpoint no more: while that is quick,
    /// as much again as its window may wait to be recorded.
    var room: Int {
        guard work == .ready else { return 0 }
        let window = standing == .unknown ? ScheduleLimits.highestLaneShare : window
        let total = standing == .proven ? min(2 * window, max(window, most)) : window
        return max(0, min(window - unanswered - granted, total - load, wanted - granted))
    }
    /// The part of `room` that needs nothing of what suspects share: the first permit of a lane that has not answered.
    var firstRoom: Int { load == 0 ? min(1, room) : 0 }

    /// The queue that it belongs into now.
    var rightQueue: Queue? {
        guard room > 0 else { return nil }
        switch standing {
        case .proven where isLively && load < ScheduleLimits.few: return .lively
        case .proven: return load == 0 ? .first : .more
        case .unknown: return load == 0 ? .unknown : .suspectMore
        case .suspect: return load == 0 ? .suspectFirst : .suspectMore
        }
    }

    /// Whether something of it is late: due, not taken by a claim, and not for the endpoint's own sake.
    var hasDueRows: Bool {
        guard !isFailing else { return false }
        switch work {
        case .ready, .resting, .limited, .full: return true
        case .idle, .claiming, .waiting, .closed: return false
        }
    }

    /// Whether a time of the database's clock ends its wait.
    var waitsForTime: Bool {
        switch work {
        case .waiting, .limited, .full, .closed: until < .infinity
        case .idle, .ready, .claiming, .resting: false
        }
    }

    /// Whether a moment of the schedule's own ends its wait.
    var rests: Bool { work == .resting || work == .full }

    /// Whether it may be forgotten when too many are remembered. That a lane is closed is learnt again by one claim.
    var isForgettable: Bool { (work == .idle || work == .closed && until == .infinity) && load == 0 }
}
