/// Connections in a ring, so that a look can go on where the last one ended, although others came and went since.
struct ConnectionRing: Sendable {
    /// What is looked for.
    enum Look: Int, CaseIterable, Sendable {
        case sweep
        case room
    }

    private(set) var all: [Connection] = []
    private var places: [ObjectIdentifier: Int] = [:]
    /// Of each look, where its next one begins.
    private var hands = [Int](repeating: 0, count: Look.allCases.count)

    var count: Int { all.count }

    mutating func insert(_ connection: Connection) {
        places[connection.id] = all.count
        all.append(connection)
    }

    /// One that is not there, or not there any more, changes nothing.
    mutating func remove(_ connection: Connection) {
        guard let place = places[connection.id], all[place] === connection else { return }
        places[connection.id] = nil
        let last = all.removeLast()
        guard last !== connection else { return }
        // The last one takes its place: it may be looked at once too often or too late by one round.
        all[place] = last
        places[last.id] = place
    }

    /// The next ones, none twice.
    mutating func next(_ most: Int, for look: Look) -> [Connection] {
        let taken = min(most, all.count)
        let begin = hands[look.rawValue] < all.count ? hands[look.rawValue] : 0
        hands[look.rawValue] = begin + taken < all.count ? begin + taken : begin + taken - all.count
        return (begin..<begin + taken).map { all[$0 < all.count ? $0 : $0 - all.count] }
    }
}
