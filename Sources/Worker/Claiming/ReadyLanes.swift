/// Ready lanes of one queue. The tenant that holds least comes first, and of it the lane that holds least; among equals the
/// one that was served longest ago. So a tenant gets a tenant's share, however many lanes it has.
struct ReadyLanes: Sendable {
    /// The lane whose turn it is.
    struct Next: Sendable {
        let slot: Int
        let tenant: HeapRank
        let lane: HeapRank
    }

    private var tenants = LaneHeap()
    private var tenantPlaces = HeapPlaces()
    /// By the tenant's slot.
    private var lanes: [LaneHeap] = []
    private(set) var count = 0

    var next: Next? {
        guard let tenant = tenants.top, let lane = lanes[tenant.slot].top else { return nil }
        return Next(slot: lane.slot, tenant: tenant.rank, lane: lane.rank)
    }

    /// Puts a lane in, or moves it. All queues share the places of lanes, as a lane is in one of them at most.
    mutating func put(
        _ slot: Int, _ rank: HeapRank, of tenant: Int, _ tenantRank: HeapRank, _ places: inout HeapPlaces
    ) {
        while lanes.count <= tenant { lanes.append(LaneHeap()) }
        if places[slot] == nil { count += 1 }
        lanes[tenant].put(slot, rank, &places)
        tenants.put(tenant, tenantRank, &tenantPlaces)
    }

    mutating func remove(_ slot: Int, of tenant: Int, _ places: inout HeapPlaces) {
        guard places[slot] != nil else { return }
        count -= 1
        lanes[tenant].remove(slot, &places)
        if lanes[tenant].count == 0 { tenants.remove(tenant, &tenantPlaces) }
    }

    /// Moves a tenant, if it has lanes here.
    mutating func move(_ tenant: Int, _ rank: HeapRank) {
        guard tenantPlaces[tenant] != nil else { return }
        tenants.put(tenant, rank, &tenantPlaces)
    }
}
