import OutboxStore
import Postgres
import Synchronization
import Telemetry

/// What the couriers and the settler have to tell the claimer about lanes.
struct LaneNews: Sendable {
    /// What a courier says of a delivery.
    struct Answered: Sendable {
        let endpoint: Int32
        let answer: Schedule.Answer
        let took: Duration
        /// How long its lane is left alone, since it could not be sent for no fault of the endpoint's.
        var rest: Duration?
    }

    /// A delivery whose outcome cannot be recorded: it is due again when its lease ends.
    struct Abandoned: Sendable {
        let endpoint: Int32
        let leaseUntil: PostgresTimestamp
    }

    fileprivate(set) var answered: [Answered] = []
    fileprivate(set) var settled: [LaneCount] = []
    fileprivate(set) var abandoned: [Abandoned] = []
}

/// One attempt of a delivery, as this worker's fencing token names it.
struct HeldAttempt: Hashable, Sendable {
    private let id: Int64
    private let attempt: Int16

    init(_ delivery: ClaimedDelivery) {
        id = delivery.id
        attempt = delivery.attempt
    }

    /// Hardly ever are two attempts of a delivery in here, and each is looked up twice.
    func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// The permits of this worker: its books of what is in flight, shared by the claimer, the couriers and the settler; and the
/// news of lanes that go with it. The news is bounded by the permits, since the claimer takes it before it claims more.
final class Permits: Sendable {
    private struct State {
        var inFlight: InFlight
        /// The attempts that hold a permit.
        var held: Set<HeldAttempt> = []
        var news = LaneNews()
        var isAwaited = false
    }

    private let state: Mutex<State>
    /// Called when permits came back, and at answers that are waited for.
    private let freed: Wakeup

    init(_ inFlight: InFlight, freed: Wakeup) {
        state = Mutex(State(inFlight: inFlight))
        self.freed = freed
    }

    /// Shows what is in flight in the metrics, read at each scrape.
    func show(in registry: PrometheusRegistry) {
        registry.readGauge(MetricDescription.inFlight.name) { [weak self] in self.map { Double($0.current.count) } }
        registry.readGauge(MetricDescription.inFlightBytes.name) { [weak self] in self.map { Double($0.current.bytes) }
        }
    }

    /// A copy of the books.
    var current: InFlight { state.withLock { $0.inFlight } }

    /// The attempts that hold a permit just now.
    var held: Set<HeldAttempt> { state.withLock { $0.held } }

    func take(_ deliveries: [ClaimedDelivery]) {
        state.withLock { state in
            state.inFlight.take(deliveries)
            for delivery in deliveries { state.held.insert(HeldAttempt(delivery)) }
        }
    }

    /// Couriers have ended these deliveries; their permits are still held.
    func answered(_ answers: [LaneNews.Answered]) {
        let isAwaited = state.withLock { state in
            state.news.answered += answers
            defer { state.isAwaited = false }
            return state.isAwaited
        }
        if isAwaited { freed.call() }
    }

    /// Has the next answers end the claimer's wait.
    func callAtNextAnswer() {
        state.withLock { $0.isAwaited = true }
    }

    /// Gives back the permits of deliveries that are recorded or given up.
    func giveBack(_ deliveries: [ClaimedDelivery]) {
        state.withLock { state in
            state.inFlight.giveBack(deliveries)
            for delivery in deliveries {
                state.held.remove(HeldAttempt(delivery))
                state.news.settled.count(delivery)
            }
        }
        freed.call()
    }

    /// The outcomes of these deliveries were given up.
    func abandoned(_ deliveries: [ClaimedDelivery]) {
        let abandoned = deliveries.map { LaneNews.Abandoned(endpoint: $0.endpoint, leaseUntil: $0.leaseUntil) }
        state.withLock { $0.news.abandoned += abandoned }
    }

    /// What is new since the last call.
    func takeNews() -> LaneNews {
        state.withLock { state in
            defer { state.news = LaneNews() }
            return state.news
        }
    }
}

extension [LaneCount] {
    /// Counts a delivery to its lane: with the one before it, where that is of the same lane.
    mutating func count(_ delivery: ClaimedDelivery) {
        if let last, last.endpoint == delivery.endpoint {
            self[count - 1] = LaneCount(
                endpoint: last.endpoint, count: last.count + 1, bytes: last.bytes + Int(delivery.bytes))
        } else {
            append(LaneCount(endpoint: delivery.endpoint, count: 1, bytes: Int(delivery.bytes)))
        }
    }
}
