import Outbox
import Synchronization
package import Telemetry

/// Why a worker is not ready. A closed set: these words appear in `/readyz` and as a metric label.
package enum HealthReason: String, CaseIterable, Sendable {
    /// The process has not finished starting.
    case starting
    /// It has not learnt yet what is due: its first look has not been answered.
    case notLooked = "not_looked"
    /// Something that the worker asks of the database fails again and again, though there is a connection.
    case workFailing = "work_failing"
    /// A duty of housekeeping has failed several times in a row, here the last time too, and was not done since.
    case dutyFailing = "duty_failing"
    /// What is due has not been known for a while: the looks for it get no answer.
    case notMeasured = "not_measured"
    /// Secrets of endpoints are sealed with a key that this process does not have.
    case keyMissing = "key_missing"
    /// No connection to the database can be had.
    case databaseUnreachable = "database_unreachable"
    /// The database answers but refuses to write: a standby, or a server just demoted.
    case databaseReadOnly = "database_read_only"
    /// The server that answers is one that this worker has left, such as an old primary that was started again.
    case databaseLeft = "database_left"
    /// The schema has not been made; `postrider migrate` makes it.
    case schemaMissing = "schema_missing"
    /// The schema is of a version this executable does not work with.
    case schemaMismatch = "schema_mismatch"
    /// This machine's clock and the database's differ too much for signatures to be accepted.
    case clockSkew = "clock_skew"
    /// The database has no room left, so that outcomes could not be recorded.
    case storageFull = "storage_full"
    /// The login of the API for customers cannot ask the database.
    case apiUnreachable = "api_unreachable"
    /// The process was asked to stop and finishes what is in flight.
    case draining
}

/// What the services of a worker report about themselves, and what the probes make of it.
///
/// Readiness is the absence of reasons against it. Liveness is that every loop that promised to turn has turned lately; it
/// does not look at the database, because a database that is away must not restart every worker at once.
package final class HealthState: Sendable {
    private struct State {
        var reasons: Set<HealthReason>
        var loops: [String: Loop] = [:]
        var setbacks = Setbacks()
        var lag = LagMeasure()
        var survey: Surveyed?
        var failingDuties: Set<Duty> = []
    }

    private struct Loop {
        var limit: Duration
        var lastBeat: Duration
    }

    private let state: Mutex<State>
    private let now: @Sendable () -> Duration

    /// A state that is live and, until told otherwise, unready for `reasons`.
    /// - Parameter now: monotonic time since any fixed moment. The default does not run while the machine sleeps, so that
    ///   waking up does not look like being stuck.
    package init(
        reasons: Set<HealthReason> = [.starting], now: @escaping @Sendable () -> Duration = HealthState.monotonicTime
    ) {
        self.state = Mutex(State(reasons: reasons))
        self.now = now
    }

    /// The monotonic time of this machine, since some moment before the first call.
    package static func monotonicTime() -> Duration {
        origin.duration(to: SuspendingClock().now)
    }

    private static let origin = SuspendingClock().now
}

// MARK: - Readiness

extension HealthState {
    /// The reasons against being ready, in the order in which they are declared. Empty means ready.
    package var reasons: [HealthReason] {
        let time = now()
        return state.withLock { state in
            var reasons = state.reasons
            if state.setbacks.trouble(time) != nil { reasons.insert(.workFailing) }
            if !state.failingDuties.isEmpty { reasons.insert(.dutyFailing) }
            // Where there is no connection, or no more looks are made, that is the reason.
            if state.lag.isLate(time),
                reasons.isDisjoint(with: [.starting, .notLooked, .databaseUnreachable, .databaseLeft, .draining])
            {
                reasons.insert(.notMeasured)
            }
            return HealthReason.allCases.filter(reasons.contains)
        }
    }

    /// Adds or takes away one reason. Saying the same twice changes nothing.
    package func set(_ reason: HealthReason, _ applies: Bool) {
        state.withLock { state in
            if applies {
                state.reasons.insert(reason)
            } else {
                state.reasons.remove(reason)
            }
        }
    }
}

// MARK: - Liveness

extension HealthState {
    /// From now on, `loop` promises to beat at least every `limit`.
    package func watch(_ loop: String, limit: Duration = HealthState.defaultSilence) {
        let time = now()
        state.withLock { $0.loops[loop] = Loop(limit: limit, lastBeat: time) }
    }

    /// `loop` has turned once more. Ignored for a loop that is not watched.
    package func beat(_ loop: String) {
        let time = now()
        state.withLock { $0.loops[loop]?.lastBeat = time }
    }

    /// `loop` has ended as it should; its silence means nothing any more.
    package func unwatch(_ loop: String) {
        state.withLock { _ = $0.loops.removeValue(forKey: loop) }
    }

    /// The loops that have been silent for longer than they promised, sorted. Empty means live.
    package var stuckLoops: [String] {
        let time = now()
        return state.withLock { state in
            state.loops.filter { time - $0.value.lastBeat > $0.value.limit }.keys.sorted()
        }
    }

    /// How long a loop may be silent unless it says otherwise. Longer than any statement timeout, shorter than the patience
    /// of those who wait for deliveries.
    package static let defaultSilence = Duration.seconds(30)
}

// MARK: - Work

extension HealthState {
    /// A step of the work failed, with a connection at hand.
    ///
    /// - Parameter error: one line, safe to show.
    func failed(_ step: WorkStep, _ error: String) {
        let time = now()
        state.withLock { $0.setbacks.failed(step, error, time) }
    }

    func succeeded(_ step: WorkStep) {
        state.withLock { $0.setbacks.succeeded(step) }
    }

    /// What has been failing for longest, if it fails again and again.
    var trouble: Setbacks.Trouble? {
        let time = now()
        return state.withLock { $0.setbacks.trouble(time) }
    }

    /// Whether a duty fails again and again in this process.
    func found(_ duty: Duty, isFailing: Bool) {
        state.withLock { state in
            if isFailing { state.failingDuties.insert(duty) } else { state.failingDuties.remove(duty) }
        }
    }

    /// From now on the lag has to be measured.
    func beginMeasuring() {
        let time = now()
        state.withLock { $0.lag.begin(time) }
    }

    /// - Parameters:
    ///   - lag: for how long the oldest delivery that is due and not in flight has been waiting.
    ///   - ago: how long ago that was known.
    func measured(_ lag: Duration, ago: Duration) {
        let time = now()
        state.withLock { $0.lag.measured(lag, at: time - ago) }
    }

    /// The lag in seconds; nil when it is not known.
    var lag: Double? {
        let time = now()
        return state.withLock { $0.lag.seconds(time) }
    }
}

// MARK: - Surveys

extension HealthState {
    func surveyed(_ figures: SurveyFigures) {
        let time = now()
        state.withLock { $0.survey = Surveyed(figures: figures, at: time) }
    }

    /// What was found last; nil before the first.
    var lastSurvey: Surveyed? { state.withLock { $0.survey } }

    /// How many seconds ago that was.
    var surveyAge: Double? {
        let time = now()
        return lastSurvey.map { (time - $0.at) / .seconds(1) }
    }

    /// How many seconds ago the database last said what is due; nil before measuring began.
    var lookAge: Double? {
        let time = now()
        return state.withLock { $0.lag.age(time) }.map { $0 / .seconds(1) }
    }
}

// MARK: - Metrics

extension HealthState {
    /// Shows each reason against readiness as `postrider_unready{reason="…"}`, 1 or 0, and the lag; read at each scrape.
    package func show(in registry: PrometheusRegistry) {
        registry.readGauge(MetricDescription.deliveryLag.name) { [weak self] in self?.lag }
        showReasons(in: registry)
    }

    /// The same without the lag, which a process that delivers nothing does not have.
    package func showReasons(in registry: PrometheusRegistry) {
        for reason in HealthReason.allCases {
            registry.readGauge(MetricDescription.unready.name, labels: [("reason", reason.rawValue)]) { [weak self] in
                self.map { $0.reasons.contains(reason) ? 1 : 0 }
            }
        }
    }
}
