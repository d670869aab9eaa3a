import OutboxStore
import Postgres

/// The figures that `status` shows, before it decides anything.
struct StatusSnapshot: Sendable {
    var events: EventCounts
    /// Of all endpoints.
    var census: Census
    /// The endpoints in trouble, the worst first, then those that are owed most.
    var endpoints: [CensusRow]
    var workers: [WorkerOverview]
    var duties: [DutyOverview]
    /// The newest migration that was applied.
    var schemaVersion: Int32
    /// What is received, and what of it waits.
    var sources: [SourceOverview] = []
    /// Callbacks that are waited for, or never came.
    var expectations = ExpectationCensus()

    var aliveWorkers: [WorkerOverview] { workers.filter(\.isAlive) }

    /// The first endpoints whose worst trouble is this one.
    func endpoints(in trouble: CensusRow.Trouble) -> [EndpointOverview] {
        endpoints.filter { $0.trouble == trouble }.map(\.endpoint)
    }

    var flow: Flow? { Flow(self) }
}

/// How many deliveries are made and how many end, as far as the workers have noticed.
struct Flow: Equatable {
    /// Deliveries made a minute.
    let made: Double
    /// Deliveries that ended a minute: sent, dead, cancelled, superseded, or in any other way.
    let ended: Double
    /// How long the rest will take at this pace; nil where it does not shrink, or how much there is was not counted.
    let drain: Duration?

    /// Changes smaller than this part of what is made are no trend.
    private static let noise = 0.05

    /// Nil where no worker that is alive has said.
    init?(_ snapshot: StatusSnapshot) {
        let alive = snapshot.aliveWorkers
        // Each has counted all of the database, and both numbers over one time.
        let first = alive.filter { $0.madeAMinute != nil }.min { $0.startedAt.rawValue < $1.startedAt.rawValue }
        guard let first, let made = first.madeAMinute, let ended = first.endedAMinute else { return nil }
        self.made = Double(made)
        self.ended = Double(ended)
        let census = snapshot.census
        let waiting = census.pending + census.inFlight + census.retrying + census.blocked
        let shrinking = self.ended - self.made
        drain =
            waiting > 0 && !census.isCapped && shrinking > self.made * Self.noise && shrinking >= 1
            ? .seconds(min(Double(waiting) / shrinking * 60, 1e9)) : nil
    }

    var text: String {
        let trend =
            ended - made > made * Self.noise
            ? "the backlog shrinks"
            : made - ended > made * Self.noise ? "the backlog grows" : "the backlog stays as it is"
        let rest = drain.map { ", gone in about \(Lag.text($0))" } ?? ""
        return "A minute: \(Self.number(made)) made, \(Self.number(ended)) ended; \(trend)\(rest)."
    }

    private static func number(_ rate: Double) -> String { "\(Int(rate.rounded()))" }
}
