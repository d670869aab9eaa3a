/// The tenants of known lanes, each in a slot. Lanes whose tenant is not known yet form one group.
struct Tenants: Sendable {
    struct Tenant: Sendable {
        let id: Int
        var lanes = 0
        /// Permits of its lanes that are not suspect, and of those that are. They are apart, so that what hangs of a tenant
        /// does not count against what is quick.
        var load = 0
        var suspectLoad = 0
        /// When one of its lanes was served last.
        var turn: Int64 = 0
    }

    /// The slot of the lanes whose tenant is not known.
    static let unknown = 0

    private var slots: [Tenant] = [Tenant(id: 0)]
    private var slotOf: [Int: Int] = [:]
    private var spare: [Int] = []

    subscript(slot: Int) -> Tenant {
        _read { yield slots[slot] }
        _modify { yield &slots[slot] }
    }

    mutating func slot(of id: Int, turn: Int64) -> Int {
        if let slot = slotOf[id] { return slot }
        let tenant = Tenant(id: id, turn: turn)
        let slot = spare.popLast() ?? slots.count
        if slot == slots.count { slots.append(tenant) } else { slots[slot] = tenant }
        slotOf[id] = slot
        return slot
    }

    /// Counts a lane in or out. A tenant without lanes is forgotten.
    mutating func count(_ lane: Lane, _ sign: Int) {
        slots[lane.tenant].lanes += sign
        if lane.standing == .suspect {
            slots[lane.tenant].suspectLoad += sign * lane.load
        } else {
            slots[lane.tenant].load += sign * lane.load
        }
    }

    mutating func forgetIfEmpty(_ slot: Int) {
        guard slot != Self.unknown, slots[slot].lanes == 0, slotOf[slots[slot].id] == slot else { return }
        slotOf[slots[slot].id] = nil
        spare.append(slot)
    }
}
