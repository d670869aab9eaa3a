/// How far a connection is with its requests, by what passed through it. Decides only.
struct ConnectionState: Sendable {
    enum Phase: Sendable {
        /// Between two requests.
        case idle
        /// A head has begun, or the connection is new.
        case head
        /// A head is complete, its body is not.
        case body
        /// A request is complete, its answer is not.
        case answering
    }

    /// When the phase began.
    private(set) var since: ContinuousClock.Instant
    /// How many bytes of its body are held.
    var heldBytes = 0

    private var heads = 0
    private var ends = 0
    private(set) var answers = 0
    private var hasBegun = true

    init(now: ContinuousClock.Instant) {
        since = now
    }

    var phase: Phase {
        if ends > answers { return .answering }
        if heads > answers { return .body }
        return hasBegun ? .head : .idle
    }

    /// Whether the request that is worked on has come to its end.
    var isComplete: Bool { ends > answers }

    mutating func bytesArrived(now: ContinuousClock.Instant) {
        guard phase == .idle else { return }
        hasBegun = true
        since = now
    }

    mutating func headArrived(now: ContinuousClock.Instant) {
        heads += 1
        since = now
    }

    mutating func endArrived(now: ContinuousClock.Instant) {
        ends += 1
        since = now
    }

    mutating func answered(now: ContinuousClock.Instant) {
        answers += 1
        hasBegun = false
        since = now
    }

    func isOverdue(_ limits: ConnectionLimits, now: ContinuousClock.Instant) -> Bool {
        switch phase {
        case .idle: now - since > limits.idleTime
        case .head: now - since > limits.headTime
        case .body: now - since > limits.bodyTime
        case .answering: false
        }
    }

    /// How long a connection is left alone in each phase while others can go.
    static let grace = Duration.seconds(1)

    /// Which connections have to go first where there are too many: of those that have been in their phase for longer than a moment
    /// the ones that never sent a request, then idle ones, then those in a head, then those in a body. Then the others, so that
    /// a sender who goes on at once is not pushed out by those who do not. Nil for one that waits for us.
    func dispensability(now: ContinuousClock.Instant) -> Int? {
        let isFresh = now - since < Self.grace
        return switch phase {
        case .answering: nil
        case _ where isFresh: 4
        case .head where answers == 0: 0
        case .idle: 1
        case .head: 2
        case .body: 3
        }
    }
}
