import OutboxStore
import Postgres

/// The endpoints that deliveries are owed to. Held by the claimer alone.
///
/// Never older than the claim that uses it: a claim returns the endpoint's revision as it stands in the locked lane. Read
/// again now and then all the same, since a secret may expire without a change.
///
/// Endpoints that are in use stay in the young generation. When that is full it becomes the old one, and what was not used since
/// the last time is forgotten: a crowd that is larger than the cache does not drive out those that are used all the time.
struct EndpointCache: Sendable {
    /// How many endpoints a generation holds, and there are two. With fewer, crowds are read from the database again and again;
    /// an endpoint takes one to two kilobytes.
    static let generation = 20_000
    /// How long one is used without being read again.
    static let maximumAge = Duration.seconds(30)

    private typealias Entry = (endpoint: Endpoint, readAt: ContinuousClock.Instant)

    private var young: [Int32: Entry] = [:]
    private var old: [Int32: Entry] = [:]

    /// Whether an endpoint with a filter or a transform was ever here: without one, nothing is asked for each delivery.
    private(set) var hasShaped = false

    /// How many endpoints are kept.
    var count: Int { young.count + old.count }

    /// The endpoints that must be read before these deliveries can be sent.
    mutating func missing(for deliveries: [ClaimedDelivery], _ now: ContinuousClock.Instant) -> [Int32] {
        var missing = Set<Int32>()
        for delivery in deliveries {
            guard let entry = use(delivery.endpoint), entry.endpoint.revision == delivery.revision,
                now - entry.readAt < Self.maximumAge
            else {
                missing.insert(delivery.endpoint)
                continue
            }
        }
        return missing.sorted()
    }

    mutating func keep(_ endpoints: [Endpoint], _ now: ContinuousClock.Instant) {
        for endpoint in endpoints {
            keep((endpoint, now))
            hasShaped = hasShaped || endpoint.shaping != nil
        }
    }

    subscript(id: Int32) -> Endpoint? { (young[id] ?? old[id])?.endpoint }

    private mutating func use(_ id: Int32) -> Entry? {
        if let entry = young[id] { return entry }
        guard let entry = old[id] else { return nil }
        keep(entry)
        return entry
    }

    private mutating func keep(_ entry: Entry) {
        old[entry.endpoint.id] = nil
        young[entry.endpoint.id] = entry
        guard young.count >= Self.generation else { return }
        old = young
        young = [:]
    }
}
