internal import Outbox

/// What a courier keeps ready: routes and their idle exchanges, within bounds. Used on the courier's queue only.
struct Shelf {
    private var routes: [Int32: PreparedRoute] = [:]
    private var idleCount = 0
    /// Names in libcurl's cache of addresses that no new connection will be made under, and the turn in which that was so
    /// first. They go with the next pinning in a later turn: by then every transfer that was begun under one has read it.
    private var retired: [(entry: String, turn: UInt64)] = []

    /// What is prepared for `route`; anything prepared for another revision of the endpoint is thrown away.
    mutating func prepared(for route: CourierRoute, turn: UInt64) -> PreparedRoute {
        if let prepared = routes[route.id] {
            if prepared.route.revision == route.revision { return prepared }
            discard(prepared, turn: turn)
        }
        let prepared = PreparedRoute(route)
        routes[route.id] = prepared
        return prepared
    }

    /// From now on connections of this route go to these addresses.
    mutating func pin(
        _ vetted: VettedAddresses, until: ContinuousClock.Instant, on prepared: PreparedRoute, turn: UInt64
    ) {
        if let old = prepared.vetted, old.generation != vetted.generation { retire(old, of: prepared, turn: turn) }
        prepared.vetted = vetted
        prepared.vettedUntil = until
    }

    /// The entries that can be removed from libcurl's cache.
    mutating func takeRetired(before turn: UInt64) -> [String] {
        let entries = retired.filter { $0.turn < turn }.map(\.entry)
        retired.removeAll { $0.turn < turn }
        return entries
    }

    /// An exchange, idle or new, goes under way.
    mutating func took(_ exchange: Exchange) {
        if exchange.lastTurn > 0 { idleCount -= 1 }
        exchange.prepared.busy += 1
    }

    /// An exchange has ended.
    mutating func put(_ exchange: Exchange, maximum: Int) {
        let prepared = exchange.prepared
        prepared.busy -= 1
        // Its route may have been replaced by a newer revision in the meantime.
        guard routes[prepared.route.id] === prepared else { return }
        exchange.lastTurn = max(exchange.lastTurn, 1)
        prepared.idle.append(exchange)
        idleCount += 1
        if idleCount > maximum { evict(keeping: maximum - maximum / 8) }
    }

    mutating func removeAll() {
        for prepared in routes.values { prepared.idle = [] }
        routes = [:]
        idleCount = 0
    }

    /// Throws away what was used longest ago. Several at once, so that the search for them is worth its time.
    private mutating func evict(keeping count: Int) {
        let turns = routes.values.flatMap { $0.idle.map(\.lastTurn) }.sorted(by: >)
        guard count < turns.count else { return }
        let oldest = turns[max(0, count)]
        for prepared in routes.values {
            let before = prepared.idle.count
            prepared.idle.removeAll { $0.lastTurn <= oldest }
            idleCount -= before - prepared.idle.count
            if prepared.idle.isEmpty, prepared.busy == 0 { discard(prepared, turn: oldest) }
        }
    }

    private mutating func discard(_ prepared: PreparedRoute, turn: UInt64) {
        idleCount -= prepared.idle.count
        prepared.idle = []
        if let vetted = prepared.vetted { retire(vetted, of: prepared, turn: turn) }
        routes[prepared.route.id] = nil
    }

    private mutating func retire(_ vetted: VettedAddresses, of prepared: PreparedRoute, turn: UInt64) {
        retired.append(("-\(prepared.alias(of: vetted.generation)):\(prepared.route.port)", turn))
    }
}
