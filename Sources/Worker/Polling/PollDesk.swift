import OutboxStore

/// The polls that are out, and those whose end is not recorded yet: at most so many. No I/O.
struct PollDesk {
    /// Where a poll sits. The couriers keep what they prepare by its number, so few numbers are used again and again.
    struct Place: Hashable {
        fileprivate let index: Int
        let revision: Int32

        /// Neither an endpoint's nor its token server's, which are counted from 1 and -1 away from 0.
        var routeID: Int32 { Int32.min + Int32(truncatingIfNeeded: index) }
    }

    private enum Seat {
        case free
        case out(DuePoll)
        case ended(PollEnd)
    }

    private var seats: [(seat: Seat, revision: Int32)]

    init(limit: Int) {
        seats = Array(repeating: (.free, 0), count: limit)
    }

    var room: Int {
        seats.count { if case .free = $0.seat { true } else { false } }
    }

    /// Nil where all places are taken.
    mutating func begin(_ poll: DuePoll) -> Place? {
        let free = seats.firstIndex { if case .free = $0.seat { true } else { false } }
        guard let index = free else { return nil }
        seats[index] = (.out(poll), seats[index].revision &+ 1)
        return Place(index: index, revision: seats[index].revision)
    }

    /// A place that another poll has by now is left alone.
    mutating func end(_ end: PollEnd, at place: Place) {
        guard isTaken(place) else { return }
        seats[place.index].seat = .ended(end)
    }

    mutating func free(_ place: Place) {
        guard isTaken(place) else { return }
        seats[place.index].seat = .free
    }

    private func isTaken(_ place: Place) -> Bool {
        guard seats[place.index].revision == place.revision else { return false }
        if case .free = seats[place.index].seat { return false }
        return true
    }

    /// What is to be recorded.
    var ended: [(Place, PollEnd)] {
        seats.indices.compactMap { index in
            guard case .ended(let end) = seats[index].seat else { return nil }
            return (Place(index: index, revision: seats[index].revision), end)
        }
    }

    /// The same, with those that are out: they were not asked.
    var all: [(Place, PollEnd)] {
        ended
            + seats.indices.compactMap { index in
                guard case .out(let poll) = seats[index].seat else { return nil }
                var end = PollEnd(poll: poll)
                end.wasAsked = false
                return (Place(index: index, revision: seats[index].revision), end)
            }
    }
}
