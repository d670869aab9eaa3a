import Outbox

/// The tokens of endpoints, and what waits for them: a value without I/O.
struct TokenShelf<Waiting: Sendable>: Sendable {
    /// Whose token it is. With other credentials it is another one, so that a change counts at once.
    struct Key: Hashable, Sendable {
        let endpoint: Int32
        let client: OAuth2Client
    }

    /// What to do with something that needs a token.
    enum Step: Equatable {
        case send(token: String)
        /// It waits; the token has to be fetched.
        case fetch
        /// It waits for the one that is on its way.
        case wait
    }

    /// How long before its end a token is used no more: what is sent with it must arrive before. A quarter of its life at most.
    static var margin: Duration { .seconds(30) }
    /// The most tokens that are kept, about one kilobyte each. With fewer, a crowd fetches them again and again.
    static var limit: Int { 20_000 }

    private struct Kept: Sendable {
        let token: String
        let until: ContinuousClock.Instant
    }

    private var kept: [Key: Kept] = [:]
    private var waiting: [Key: [Waiting]] = [:]

    /// Takes something that needs a token.
    mutating func take(_ item: Waiting, _ key: Key, now: ContinuousClock.Instant) -> Step {
        if let kept = kept[key], now < kept.until { return .send(token: kept.token) }
        let isFirst = waiting[key] == nil
        waiting[key, default: []].append(item)
        return isFirst ? .fetch : .wait
    }

    /// The answer is in.
    ///
    /// - Returns: what waited for it.
    mutating func answered(_ answer: TokenAnswer, _ key: Key, askedAt: ContinuousClock.Instant) -> [Waiting] {
        if case .token(let token, let lifetime) = answer {
            if kept.count >= Self.limit { makeRoom(askedAt) }
            kept[key] = Kept(token: token, until: askedAt + lifetime - min(Self.margin, lifetime / 4))
        }
        return waiting.removeValue(forKey: key) ?? []
    }

    /// The receiver does not take this token.
    mutating func refused(_ token: String, _ key: Key) {
        if kept[key]?.token == token { kept[key] = nil }
    }

    private mutating func makeRoom(_ now: ContinuousClock.Instant) {
        kept = kept.filter { $0.value.until > now }
        if kept.count >= Self.limit { kept = [:] }
    }
}
