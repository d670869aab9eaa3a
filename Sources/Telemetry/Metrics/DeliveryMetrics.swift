package import Metrics
package import Outbox

/// The metrics of a worker, made once; MetricDescription.swift says what each means. Counting takes no lock and allocates
/// nothing.
package struct DeliveryMetrics: Sendable {
    package let claims: Counter
    package let claimedDeliveries: Counter
    package let missedLanes: Counter
    package let attemptDuration: Timer
    package let heldBack: Meter
    package let maxInFlight: Gauge
    package let suspectLanes: Meter
    package let settles: Counter
    package let staleSettles: Counter
    package let lostOutcomes: Counter
    package let deadLetters: Counter
    package let databaseReconnects: Counter

    private let deliveries: [DeliveryOutcome: Counter]
    private let endpointChanges: [EndpointChange: Counter]
    private let attemptFailures: [ErrorCode: Counter]
    private let failures: [WorkStep: Counter]
    private let dutyFailures: [Duty: Counter]

    /// Makes every metric in `registry`, so that all of them are there, at zero, from the first scrape on.
    /// - Parameter version: the version of the executable.
    package init(registry: PrometheusRegistry, version: String) {
        func counter(_ description: MetricDescription, _ labels: [(String, String)] = []) -> Counter {
            Counter(label: description.name, dimensions: labels, factory: registry)
        }
        claims = counter(.claims)
        claimedDeliveries = counter(.claimedDeliveries)
        missedLanes = counter(.missedLanes)
        attemptDuration = Timer(label: MetricDescription.attemptDuration.name, factory: registry)
        heldBack = Meter(label: MetricDescription.heldBack.name, factory: registry)
        maxInFlight = Gauge(label: MetricDescription.maxInFlight.name, factory: registry)
        suspectLanes = Meter(label: MetricDescription.suspectLanes.name, factory: registry)
        settles = counter(.settles)
        staleSettles = counter(.staleSettles)
        lostOutcomes = counter(.lostOutcomes)
        deadLetters = counter(.deadLetters)
        databaseReconnects = counter(.databaseReconnects)
        deliveries = Dictionary(
            uniqueKeysWithValues: DeliveryOutcome.allCases.map {
                ($0, counter(.deliveries, [("outcome", $0.rawValue)]))
            })
        endpointChanges = Dictionary(
            uniqueKeysWithValues: EndpointChange.allCases.map {
                ($0, counter(.endpointChanges, [("change", $0.rawValue)]))
            })
        attemptFailures = Dictionary(
            uniqueKeysWithValues: ErrorCode.allCases.map {
                ($0, counter(.attemptFailures, [("error_code", $0.rawValue)]))
            })
        failures = Dictionary(
            uniqueKeysWithValues: WorkStep.allCases.map { ($0, counter(.failures, [("step", $0.rawValue)])) })
        dutyFailures = Dictionary(
            uniqueKeysWithValues: Duty.allCases.map { ($0, counter(.dutyFailures, [("duty", $0.rawValue)])) })
        registry.readGauge(MetricDescription.buildInfo.name, labels: [("version", version)]) { 1 }
    }

    package func count(_ outcome: DeliveryOutcome, times: Int = 1) {
        if times > 0 { deliveries[outcome]?.increment(by: Int64(times)) }
    }

    package func count(_ change: EndpointChange) {
        endpointChanges[change]?.increment()
    }

    package func count(_ code: ErrorCode, times: Int = 1) {
        if times > 0 { attemptFailures[code]?.increment(by: Int64(times)) }
    }

    /// Counts a failure of something that the worker asks of the database again and again.
    package func count(_ step: WorkStep) {
        failures[step]?.increment()
    }

    package func countFailure(of duty: Duty) {
        dutyFailures[duty]?.increment()
    }
}

/// What became of an endpoint: the label `change` of `postrider_endpoint_changes_total`.
package enum EndpointChange: String, CaseIterable, Sendable {
    /// The breaker closed its lane.
    case failing
    /// The breaker let go of it.
    case recovered
    /// It failed for too long, or asked for nothing more.
    case disabled
    /// It will be disabled if it goes on failing.
    case warned
}

/// How an attempt ended for its delivery: the label `outcome` of `postrider_deliveries_total`.
package enum DeliveryOutcome: String, CaseIterable, Sendable {
    /// The endpoint took it.
    case delivered
    /// It is tried again later.
    case retry
    /// It became a dead letter.
    case dead
    /// The endpoint said that it is gone for good; the delivery is held.
    case gone
    /// The event expires before it could be tried again.
    case expired
    /// The endpoint's filter or transform did not want it; nothing was sent.
    case filtered
    /// A newer event of its ordering key came before it was claimed; nothing was sent.
    case superseded
    /// The lease had been lost: another attempt owns the delivery, and this outcome changed nothing.
    case stale
    /// The worker gave the delivery back without sending it, as when it drains.
    case released
}
