/// Sums over all lanes, kept as each lane changes.
struct ScheduleBooks: Equatable, Sendable {
    /// Of the lanes of one standing, as it is now.
    struct Sum: Equatable, Sendable {
        var lanes = 0
        /// Deliveries held, and permits that a claim on its way may use.
        var held = 0
        var granted = 0
        var bytes = 0
        /// The rooms of the lanes in the queues.
        var room = 0
        /// The windows of the lanes that are ready: what they could hold if all of it were free.
        var window = 0

        var load: Int { held + granted }
    }

    private(set) var proven = Sum()
    private(set) var unknown = Sum()
    private(set) var suspect = Sum()
    /// What lanes that have not answered hold beyond one each, and what they could use of that. It counts to the part of suspects.
    private(set) var unproven = 0
    private(set) var unprovenRoom = 0

    /// What counts against the part of suspects.
    var suspectLoad: Int { suspect.load + unproven }
    var suspectRoom: Int { suspect.room + unprovenRoom }

    var held: Int { proven.held + unknown.held + suspect.held }
    var load: Int { proven.load + unknown.load + suspect.load }
    var bytes: Int { proven.bytes + unknown.bytes + suspect.bytes }

    /// Counts a lane in (`sign` 1), or out (−1) before it changes.
    mutating func count(_ lane: Lane, _ sign: Int) {
        switch lane.standing {
        case .proven: proven.count(lane, sign, room: lane.room, window: lane.window)
        case .suspect: suspect.count(lane, sign, room: lane.room, window: lane.window)
        case .unknown:
            unknown.count(lane, sign, room: lane.firstRoom, window: 1)
            unproven += sign * max(0, lane.load - 1)
            unprovenRoom += sign * (lane.room - lane.firstRoom)
        }
    }
}

extension ScheduleBooks.Sum {
    fileprivate mutating func count(_ lane: Lane, _ sign: Int, room: Int, window: Int) {
        lanes += sign
        held += sign * lane.held
        granted += sign * lane.granted
        bytes += sign * lane.bytes
        self.room += sign * room
        if lane.work == .ready { self.window += sign * window }
    }
}
