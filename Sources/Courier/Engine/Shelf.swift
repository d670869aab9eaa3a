import Outbox

/// What a courier keeps ready: routes and their idle transfers, within limits. Used on the courier's queue only.
struct Shelf {
    private var routes: [Int32: PreparedRoute] = [:]
    private var idleCount = 0
    /// Names in libcurl's cache of addresses that no new connection will be made under, each with the first turn in which
    /// that is true. They are removed with the next pinning in a later turn: by then every transfer that was begun under one
    /// has read it.
    private var retired: [(entry: String, turn: UInt64)] = []

    /// What is prepared for `route`. What was prepared for another revision of the endpoint is thrown away.
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

    /// A transfer, idle or new, begins.
    mutating func took(_ transfer: Transfer) {
        if transfer.lastTurn > 0 { idleCount -= 1 }
        transfer.prepared.busy += 1
    }

    mutating func put(_ transfer: Transfer, maximum: Int) {
        let prepared = transfer.prepared
        prepared.busy -= 1
        // A newer revision may have replaced its route.
        guard routes[prepared.route.id] === prepared else { return }
        transfer.lastTurn = max(transfer.lastTurn, 1)
        prepared.idle.append(transfer)
        idleCount += 1
        if idleCount > maximum { evict(keeping: maximum - maximum / 8) }
    }

    mutating func removeAll() {
        for prepared in routes.values { prepared.idle = [] }
        routes = [:]
        idleCount = 0
    }

    /// Throws away the transfers that were used longest ago: several at once, so that the search for them is worth its time.
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

/// What one courier keeps ready for one route: idle transfers with their handles, the fixed header lines, the newest vetted
/// addresses. Used on the courier's queue only.
final class PreparedRoute {
    let route: CourierRoute
    let fixedHeaders: FixedHeaders
    /// Nil when libcurl does not take it.
    let url: ParsedURL?
    /// Transfers that wait for another request, the last used one at the end.
    var idle: [Transfer] = []
    /// How many transfers are in flight.
    var busy = 0
    /// When the last request ended.
    var endedAt: ContinuousClock.Instant?
    /// The addresses that connections go to, and until when they may be used without asking again.
    var vetted: VettedAddresses?
    var vettedUntil: ContinuousClock.Instant?
    /// The address that was judged last, and allowed. It holds for that turn, which is over within milliseconds: the requests of a batch
    /// go to one address.
    var allowed: Allowed?

    struct Allowed: Equatable {
        let address: IPAddress
        let turn: UInt64
    }

    init(_ route: CourierRoute) {
        self.route = route
        fixedHeaders = FixedHeaders(route.fixedHeaders)
        url = ParsedURL(route.url)
    }

    /// The name that libcurl knows a set of vetted addresses by.
    ///
    /// libcurl keeps connections by the name that it connects to. Under this name, a connection is only used for the route,
    /// the revision and the set of addresses that it was made for, even where two endpoints have the same host; and
    /// libcurl's cache of addresses can hold no older ones. The real name stays in the URL: `Host`, SNI and the check of the
    /// certificate use it. `.invalid` never resolves (RFC 2606, section 2).
    func alias(of generation: UInt64) -> String {
        "e\(route.id)-r\(route.revision)-g\(generation).invalid"
    }
}
