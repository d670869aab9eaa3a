import OutboxStore

/// The endpoints whose lanes this worker leaves alone for a while, since it cannot work on them and others may. A value: the
/// claimer has the schedule hold the lanes, and shows this to people.
struct HeldBack: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How long a lane is left alone, unless its settings change. Shorter, and a worker without the key takes deliveries from
    /// those that have it again and again; longer, and what has been put right in the database takes long to be noticed.
    static let pause = Duration.seconds(30)
    /// An entry that is not renewed after so much more is over: another worker has sent what was due. As long again as the
    /// pause, which the schedule counts in steps that it may cut (``SteadyTime``).
    static let grace = Duration.seconds(35)
    /// The most entries. Further lanes are held all the same, and only not counted.
    static let limit = 10_000

    private struct Entry {
        let until: Instant
        let isKeyMissing: Bool
        let why: String
    }

    private var entries: [Int32: Entry] = [:]

    var count: Int { entries.count }
    /// Whether any waits for a key that this process lacks.
    var isKeyMissing: Bool { entries.values.contains { $0.isKeyMissing } }
    /// Of the endpoint with the lowest id, so that it stays the same while that one is held.
    var why: String? { entries.min { $0.key < $1.key }?.value.why }

    /// - Returns: whether the endpoint was not held back before.
    mutating func hold(_ endpoint: Int32, isKeyMissing: Bool, _ why: String, now: Instant) -> Bool {
        let isNew = entries[endpoint] == nil
        guard !isNew || entries.count < Self.limit else { return true }
        entries[endpoint] = Entry(until: now + Self.pause + Self.grace, isKeyMissing: isKeyMissing, why: why)
        return isNew
    }

    /// Something is sent to this endpoint.
    mutating func free(_ endpoint: Int32) { entries[endpoint] = nil }

    /// Forgets the entries that were not renewed.
    mutating func expire(_ now: Instant) {
        guard !entries.isEmpty else { return }
        entries = entries.filter { $0.value.until > now }
    }
}
