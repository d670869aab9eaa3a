import OutboxStore
import Postgres

/// The endpoints that deliveries are owed to. Held by the claimer alone.
///
/// Never older than the claim that uses it: a claim returns the endpoint's revision as it stands in the locked lane. Read
/// again now and then all the same, since a secret may expire without a change.
struct EndpointCache: Sendable {
    /// How many endpoints are kept; beyond it, all are dropped and read again as they are needed.
    static let maximumCount = 20_000
    /// How long one is used without being read again.
    static let maximumAge = Duration.seconds(30)

    private var known: [Int32: (endpoint: Endpoint, readAt: ContinuousClock.Instant)] = [:]

    /// The endpoints that must be read before these deliveries can be sent.
    func missing(for deliveries: [ClaimedDelivery], _ now: ContinuousClock.Instant) -> [Int32] {
        var missing = Set<Int32>()
        for delivery in deliveries {
            guard let entry = known[delivery.endpoint], entry.endpoint.revision == delivery.revision,
                now - entry.readAt < Self.maximumAge
            else {
                missing.insert(delivery.endpoint)
                continue
            }
        }
        return missing.sorted()
    }

    mutating func keep(_ endpoints: [Endpoint], _ now: ContinuousClock.Instant) {
        if known.count + endpoints.count > Self.maximumCount { known = [:] }
        for endpoint in endpoints { known[endpoint.id] = (endpoint, now) }
    }

    subscript(id: Int32) -> Endpoint? { known[id]?.endpoint }
}
