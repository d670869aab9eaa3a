import Inbox

/// What each token may ask of this process. Decides only.
///
/// A token that has been proved has a bucket of its own. All others, which may be anything, share one: so guesses cost the database
/// little, and keep nothing from customers who are known here.
struct TokenBudget {
    /// Requests a second of one token. More would let one customer take the database from all others.
    static let rate = 50.0
    /// Requests of one token at once; there are twice as many connections.
    static let atOnce = 4
    /// Requests a second of all tokens that are not known to be good.
    static let strangers = 50.0
    /// So many tokens have buckets. With one more the one that was used least lately is a stranger again.
    static let mostTokens = 10_000

    enum Verdict: Equatable {
        case known
        case stranger
        /// For how long it should wait.
        case wait(Duration)
    }

    private struct Entry {
        var bucket: TokenBucket
        var running = 0
        var used: ContinuousClock.Instant
    }

    private var entries: [[UInt8]: Entry] = [:]
    private var strangers: TokenBucket
    private let mostTokens: Int

    init(now: ContinuousClock.Instant, mostTokens: Int = Self.mostTokens) {
        strangers = TokenBucket(rate: Self.strangers, now: now)
        self.mostTokens = mostTokens
    }

    var count: Int { entries.count }

    /// Takes the part of a request. What is answered other than ``Verdict/wait(_:)`` must come to its end by ``end``.
    mutating func begin(_ hash: [UInt8], now: ContinuousClock.Instant) -> Verdict {
        guard var entry = entries[hash] else { return strangers.take(now: now).map { .wait($0) } ?? .stranger }
        guard entry.running < Self.atOnce else { return .wait(.seconds(1)) }
        if let wait = entry.bucket.take(now: now) { return .wait(wait) }
        entry.running += 1
        entry.used = now
        entries[hash] = entry
        return .known
    }

    /// - Parameters:
    ///   - verdict: what ``begin`` said.
    ///   - isGood: what the database said of the token; nil where it was not asked or did not say.
    mutating func end(_ hash: [UInt8], _ verdict: Verdict, isGood: Bool?, now: ContinuousClock.Instant) {
        if verdict == .known { entries[hash]?.running -= 1 }
        switch isGood {
        case true? where verdict == .stranger && entries[hash] == nil:
            makeRoom()
            entries[hash] = Entry(bucket: TokenBucket(rate: Self.rate, now: now), used: now)
        case false?: entries[hash] = nil
        default: break
        }
    }

    private mutating func makeRoom() {
        guard entries.count >= mostTokens else { return }
        if let oldest = entries.min(by: { $0.value.used < $1.value.used })?.key { entries[oldest] = nil }
    }
}
