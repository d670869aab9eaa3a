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

    /// When more of a connection is read.
    enum Reading: Equatable, Sendable {
        case atOnce
        /// For the first time, when other new ones were.
        case firstInTurn
        /// When the others that have large bodies were.
        case inTurn
        case after(Duration)
    }

    /// When the phase began.
    private(set) var since: ContinuousClock.Instant
    /// How many bytes of its body are held.
    var heldBytes = 0

    /// How many bytes have come since the last head did.
    private var bytes = 0
    /// When the first byte of the head came that is coming.
    private var headBegan: ContinuousClock.Instant?
    private var isLingering = false
    private var isSilent = true
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

    mutating func bytesArrived(_ count: Int, now: ContinuousClock.Instant) {
        bytes += count
        isSilent = false
        if heads == answers, headBegan == nil { headBegan = now }
        guard phase == .idle else { return }
        hasBegun = true
        since = now
    }

    mutating func headArrived(now: ContinuousClock.Instant) {
        heads += 1
        bytes = 0
        headBegan = nil
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

    /// Nothing more is asked of it or answered: it only should see its last answer.
    mutating func linger() {
        isLingering = true
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

    /// A head that has been coming for so long is slow. Less, and a lost packet makes one slow.
    static let slowHead = Duration.seconds(1)
    /// A body that is longer takes turns with others.
    static let quickBytes = 64 << 10
    /// Between two reads of a connection that lingers. With less, one who goes on sending is a burden still; with more, one who
    /// first sends all and then looks for the answer may not get there.
    static let lingerPause = Duration.milliseconds(60)

    /// Each look at a slow head comes after twice the time, so that it costs a handful of looks until its time is over, and those of
    /// thousands do not come at the same moment because their bytes did.
    func reading(now: ContinuousClock.Instant) -> Reading {
        if isLingering { return .after(Self.lingerPause) }
        if isSilent { return .firstInTurn }
        switch phase {
        case .body: return bytes > Self.quickBytes ? .inTurn : .atOnce
        case .head:
            guard let headBegan, now - headBegan >= Self.slowHead else { return .atOnce }
            return .after(now - headBegan)
        case .idle, .answering: return .atOnce
        }
    }
}
