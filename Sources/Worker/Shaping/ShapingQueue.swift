import OutboxStore

/// A claimed delivery of an endpoint with a filter or a transform.
struct UnshapedDelivery: Sendable {
    let delivery: ClaimedDelivery
    let endpoint: Endpoint
    /// Whether it passes others in the couriers.
    let passes: Bool
    /// When the claim was sent: the lease began later than that.
    let claimRequestedAt: ContinuousClock.Instant
}

/// Deliveries that wait for what their filter or transform says. Endpoints take turns, so that one whose filter takes long keeps others
/// waiting for one statement at most. Bounded by the permits, which each of them holds. A value; it decides only.
struct ShapingQueue: Sendable {
    /// The most deliveries of one statement.
    static let batchLimit = 64

    private struct Lane {
        var waiting: [UnshapedDelivery] = []
        /// How many of the first go by themselves, because a statement with all of them failed.
        var alone = 0
    }

    private var lanes: [Int32: Lane] = [:]
    /// The endpoints that wait, each once, the next one first.
    private var turns: [Int32] = []

    var isEmpty: Bool { turns.isEmpty }

    mutating func add(_ deliveries: [UnshapedDelivery]) {
        for delivery in deliveries {
            let endpoint = delivery.endpoint.id
            if lanes[endpoint] == nil { turns.append(endpoint) }
            lanes[endpoint, default: Lane()].waiting.append(delivery)
        }
    }

    /// Puts back what a statement did not come to, before what came since.
    mutating func putBack(_ deliveries: [UnshapedDelivery]) {
        guard let endpoint = deliveries.first?.endpoint.id else { return }
        if lanes[endpoint] == nil { turns.append(endpoint) }
        lanes[endpoint, default: Lane()].waiting.insert(contentsOf: deliveries, at: 0)
    }

    /// Puts back a batch of which one delivery spoilt the statement: each goes by itself now.
    mutating func takeApart(_ deliveries: [UnshapedDelivery]) {
        guard let endpoint = deliveries.first?.endpoint.id else { return }
        putBack(deliveries)
        lanes[endpoint]?.alone = deliveries.count
    }

    /// The next deliveries of the endpoint whose turn it is, all under the same settings of it.
    mutating func next() -> [UnshapedDelivery] {
        guard !turns.isEmpty else { return [] }
        let endpoint = turns.removeFirst()
        guard var lane = lanes.removeValue(forKey: endpoint), let first = lane.waiting.first else { return [] }
        let most = lane.alone > 0 ? 1 : Self.batchLimit
        let batch = Array(lane.waiting.prefix(most).prefix { $0.endpoint === first.endpoint })
        lane.waiting.removeFirst(batch.count)
        lane.alone = max(0, lane.alone - 1)
        if !lane.waiting.isEmpty {
            lanes[endpoint] = lane
            turns.append(endpoint)
        }
        return batch
    }

    mutating func takeAll() -> [UnshapedDelivery] {
        defer { self = ShapingQueue() }
        return turns.flatMap { lanes[$0]?.waiting ?? [] }
    }
}
