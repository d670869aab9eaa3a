import Metrics
import Outbox
import Testing

@testable import Telemetry

@Suite struct DeliveryMetricsTests {
    private let registry = PrometheusRegistry(describing: MetricDescription.postrider)

    @Test func everyMetricIsThereAtZeroFromTheStart() {
        let metrics = DeliveryMetrics(registry: registry, version: "1.2.3")
        let text = registry.exposition()
        for code in ErrorCode.allCases {
            #expect(text.contains("\npostrider_attempt_failures_total{error_code=\"\(code.rawValue)\"} 0\n"))
        }
        for step in WorkStep.allCases {
            #expect(text.contains("\npostrider_failures_total{step=\"\(step.rawValue)\"} 0\n"))
        }
        for outcome in DeliveryOutcome.allCases {
            #expect(text.contains("\npostrider_deliveries_total{outcome=\"\(outcome.rawValue)\"} 0\n"))
        }
        #expect(text.contains("\npostrider_build_info{version=\"1.2.3\"} 1\n"))
        #expect(text.contains("\npostrider_metrics_refused_total 0\n"))
        #expect(!text.contains("Not described."))
        withExtendedLifetime(metrics) {}
    }

    @Test func namesFollowTheConventions() {
        for description in MetricDescription.postrider {
            #expect(description.name.hasPrefix("postrider_"))
            #expect(description.help.hasSuffix("."))
            #expect(description.name == MetricName.metric(description.name))
        }
        #expect(Set(MetricDescription.postrider.map(\.name)).count == MetricDescription.postrider.count)
    }

    @Test func attemptsAreCountedByOutcomeAndCode() {
        let metrics = DeliveryMetrics(registry: registry, version: "1")
        metrics.count(DeliveryOutcome.retry)
        metrics.count(ErrorCode.timeout)
        metrics.count(ErrorCode.timeout)
        metrics.attemptDuration.record(duration: .milliseconds(30))
        let text = registry.exposition()
        #expect(text.contains("\npostrider_deliveries_total{outcome=\"retry\"} 1\n"))
        #expect(text.contains("\npostrider_attempt_failures_total{error_code=\"timeout\"} 2\n"))
        #expect(text.contains("\npostrider_attempt_duration_seconds_bucket{le=\"0.025\"} 0\n"))
        #expect(text.contains("\npostrider_attempt_duration_seconds_bucket{le=\"0.05\"} 1\n"))
    }
}
