package import Telemetry

extension HealthState {
    /// Shows each reason against readiness as `postrider_unready{reason="…"}`, 1 or 0, read at each scrape.
    package func show(in registry: PrometheusRegistry) {
        for reason in HealthReason.allCases {
            registry.readGauge(MetricDescription.unready.name, labels: [("reason", reason.rawValue)]) { [weak self] in
                self.map { $0.reasons.contains(reason) ? 1 : 0 }
            }
        }
    }
}
