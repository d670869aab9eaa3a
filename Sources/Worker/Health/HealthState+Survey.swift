import OutboxStore
import Telemetry

/// What the last survey found, and when.
struct Surveyed: Sendable {
    let figures: SurveyFigures
    let at: Duration
}

extension HealthState {
    /// Shows what surveys find, in gauges that are read at each scrape. They keep the last known figures while the database is
    /// away; their age says so.
    func showSurvey(in registry: PrometheusRegistry) {
        typealias Description = MetricDescription
        func gauge(
            _ description: Description, _ labels: [(String, String)] = [],
            _ read: @escaping @Sendable (SurveyFigures) -> Double?
        ) {
            registry.readGauge(description.name, labels: labels) { [weak self] in
                self?.lastSurvey.flatMap { read($0.figures) }
            }
        }
        func count(
            _ description: Description, _ labels: [(String, String)] = [], _ path: any KeyPath<Census, Int64> & Sendable
        ) {
            gauge(description, labels) { Double($0.census[keyPath: path]) }
        }
        func age(_ description: Description, _ path: any KeyPath<Census, Duration?> & Sendable) {
            gauge(description) { ($0.census[keyPath: path] ?? .zero) / .seconds(1) }
        }
        count(.endpoints, [("state", "active")], \.active)
        count(.endpoints, [("state", "paused")], \.paused)
        count(.endpoints, [("state", "disabled")], \.disabled)
        count(.endpoints, [("state", "verifying")], \.verifying)
        count(.failingEndpoints, [], \.failing)
        count(.lateEndpoints, [], \.late)
        for (status, path) in Self.statuses { count(.owedDeliveries, [("status", status)], path) }
        count(.blockedKeys, [], \.blockedKeys)
        count(.deadLettersKept, [], \.deadLetters)
        age(.oldestBlocked, \.oldestBlockedAge)
        age(.longestFailure, \.longestFailing)
        age(.longestPause, \.longestPause)
        gauge(.inboxRows, [("status", "queued")]) { Double($0.inbox.queued) }
        gauge(.inboxRows, [("status", "retrying")]) { Double($0.inbox.retrying) }
        gauge(.inboxRows, [("status", "dead")]) { Double($0.inbox.dead) }
        gauge(.oldestInboxRow) { ($0.inbox.oldestDueAge ?? .zero) / .seconds(1) }
        gauge(.expectations, [("state", "waiting")]) { Double($0.expectations.waiting) }
        gauge(.expectations, [("state", "polling")]) { Double($0.expectations.polling) }
        gauge(.expectations, [("state", "missed")]) { Double($0.expectations.missed) }
        gauge(.failingDuties) { Double($0.failingDuties) }
        gauge(.countsCapped) { $0.census.isCapped ? 1 : 0 }
        registry.readGauges(MetricDescription.worstEndpoints.name, limit: Survey.named) { [weak self] in
            self?.lastSurvey?.figures.worst.map { worst in
                let tenant = worst.tenant.isEmpty ? [] : [("tenant", worst.tenant)]
                return ([("endpoint", worst.name)] + tenant, worst.failing / .seconds(1))
            } ?? []
        }
        registry.readGauge(MetricDescription.surveyAge.name) { [weak self] in self?.surveyAge }
        registry.readGauge(MetricDescription.lookAge.name) { [weak self] in self?.lookAge }
    }

    private static let statuses: [(String, any KeyPath<Census, Int64> & Sendable)] = [
        ("pending", \.pending), ("in_flight", \.inFlight), ("retrying", \.retrying), ("blocked", \.blocked),
        ("held", \.held),
    ]
}
