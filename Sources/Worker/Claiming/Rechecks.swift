import Postgres

/// Leases of this worker that may end without a settle, in the order of their ends: what a claim of unknown fate may have
/// leased, and what could not be recorded. The lanes are claimed again then, from where those rows stand.
struct Rechecks: Sendable {
    struct Entry: Sendable {
        let at: PostgresTimestamp
        let endpoint: Int32
        let from: PostgresTimestamp
    }

    /// The most that are kept. Claims fail at most every 100 ms and name 256 lanes, so those of the longest usual lease fit.
    /// With fewer, rows of failed claims would wait for the walk; with more, a database that is away for long costs memory.
    static let limit = 100_000

    /// In rising order of `at`; those before `head` are taken. New ones come last as a rule.
    private var entries: [Entry] = []
    private var head = 0

    var count: Int { entries.count - head }
    var first: Entry? { head < entries.count ? entries[head] : nil }

    /// Adds one. When there are too many, it is left to the walk.
    mutating func add(_ entry: Entry) {
        guard count < Self.limit else { return }
        var low = head
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].at <= entry.at { low = middle + 1 } else { high = middle }
        }
        entries.insert(entry, at: low)
    }

    mutating func pop(upTo time: PostgresTimestamp) -> Entry? {
        guard let first, first.at <= time else { return nil }
        head += 1
        if head * 2 > entries.count {
            entries.removeFirst(head)
            head = 0
        }
        return first
    }

    /// The earliest time at which a lane is looked at again.
    func earliest(of endpoint: Int32) -> PostgresTimestamp? {
        entries[head...].first { $0.endpoint == endpoint }?.at
    }
}
