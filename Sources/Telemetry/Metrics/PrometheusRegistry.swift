package import CoreMetrics
import Synchronization

/// All metrics of the process, as a backend for swift-metrics that writes the Prometheus text format.
///
/// A metric object is made once, and its user keeps it. The lock here is taken when one is made and when all are written,
/// never when one is incremented. The numbers of metrics and of label sets are limited, so that a label with values from
/// outside cannot fill the memory of the process. A metric beyond the limit is counted but never written, and
/// `postrider_metrics_refused_total` says how many there were.
package final class PrometheusRegistry: MetricsFactory {
    /// The most metrics that are kept.
    package static let metricLimit = 256
    /// The most label sets that are kept for one metric.
    package static let labelSetLimit = 128

    private struct Family {
        let kind: Kind
        var series: [LabelSet: any PrometheusSeries] = [:]
    }

    private enum Kind: String {
        case counter, gauge, histogram
    }

    private let descriptions: [String: MetricDescription]
    private let families = Mutex<[String: Family]>([:])
    private let refused = CounterSeries()

    /// - Parameter descriptions: the help and the buckets of metrics, found by name when they are made.
    package init(describing descriptions: [MetricDescription] = []) {
        self.descriptions = Dictionary(descriptions.map { ($0.name, $0) }) { first, _ in first }
    }

    /// Adds a gauge whose value is read each time that metrics are written. It is left out while `read` returns nil.
    ///
    /// - Parameter read: must be quick and must not use this registry.
    package func readGauge(
        _ name: String, labels: [(String, String)] = [], _ read: @escaping @Sendable () -> Double?
    ) {
        _ = series(MetricName.metric(name), .gauge, labels) { ReadGaugeSeries(read) }
    }

    /// Adds gauges of one name whose labels too are read each time that metrics are written.
    ///
    /// - Parameters:
    ///   - limit: the most series that are written.
    ///   - read: must be quick and must not use this registry.
    package func readGauges(
        _ name: String, limit: Int, _ read: @escaping @Sendable () -> [(labels: [(String, String)], value: Double)]
    ) {
        _ = series(MetricName.metric(name), .gauge, []) { ReadGaugesSeries(limit: limit, read) }
    }

    /// Adds a counter whose value is read each time that metrics are written.
    ///
    /// - Parameter read: must never give less than before, must be quick and must not use this registry.
    package func readCounter(_ name: String, _ read: @escaping @Sendable () -> Double) {
        _ = series(MetricName.metric(name), .counter, []) { ReadGaugeSeries(read) }
    }

    /// Adds counters of one name whose labels too are read each time that metrics are written.
    ///
    /// - Parameter read: must never give less than before, must bound its labels, must be quick and must not use this registry.
    package func readCounters(
        _ name: String, _ read: @escaping @Sendable () -> [(labels: [(String, String)], value: Double)]
    ) {
        _ = series(MetricName.metric(name), .counter, []) { ReadGaugesSeries(limit: .max, read) }
    }

    /// The series called `name` with these labels, made now if it is not there. A name that is in use for another kind, or
    /// a label set too many, gives a series that is never written.
    private func series<Series: PrometheusSeries>(
        _ name: String, _ kind: Kind, _ dimensions: [(String, String)], _ make: () -> Series
    ) -> Series {
        let labels = LabelSet(dimensions)
        let known: Series? = families.withLock { families in
            var family = families[name] ?? Family(kind: kind)
            guard family.kind == kind else { return nil }
            if let series = family.series[labels] {
                return series as? Series
            }
            guard family.series.count < Self.labelSetLimit,
                families[name] != nil || families.count < Self.metricLimit
            else { return nil }
            let series = make()
            family.series[labels] = series
            families[name] = family
            return series
        }
        guard let known else {
            refused.increment(by: Int64(1))
            return make()
        }
        return known
    }
}

// MARK: - Exposition

extension PrometheusRegistry {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Every metric in the Prometheus text format, sorted by name and labels.
    package func exposition() -> String {
        var families = families.withLock(\.self)
        let refusedName = "postrider_metrics_refused_total"
        families[refusedName] = Family(kind: .counter, series: [LabelSet([]): refused])
        var text = PrometheusText()
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            let help =
                name == refusedName
                ? "Metrics and label sets that were refused because of a limit or a name in use."
                : descriptions[name]?.help ?? "Not described."
            text.family(name, kind: family.kind.rawValue, help: help)
            for (labels, series) in family.series.sorted(by: { $0.key.text < $1.key.text }) {
                series.write(name: name, labels: labels, to: &text)
            }
        }
        return text.text
    }
}

// MARK: - MetricsFactory

extension PrometheusRegistry {
    /// A counter; its name ends in `_total`.
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counter(label, dimensions)
    }

    /// A counter; its name ends in `_total`.
    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        counter(label, dimensions)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(MetricName.metric(label), .gauge, dimensions) { GaugeSeries() }
    }

    /// A histogram when it aggregates, otherwise a gauge.
    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        aggregate
            ? histogram(MetricName.metric(label), dimensions)
            : series(MetricName.metric(label), .gauge, dimensions) { GaugeSeries() }
    }

    /// A histogram of seconds; its name ends in `_seconds`.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(MetricName.suffixed(MetricName.metric(label), "_seconds"), dimensions)
    }

    private func counter(_ label: String, _ dimensions: [(String, String)]) -> CounterSeries {
        series(MetricName.suffixed(MetricName.metric(label), "_total"), .counter, dimensions) { CounterSeries() }
    }

    private func histogram(_ name: String, _ dimensions: [(String, String)]) -> HistogramSeries {
        let buckets = descriptions[name]?.buckets ?? MetricDescription.durationBuckets
        return series(name, .histogram, dimensions.filter { $0.0 != "le" }) { HistogramSeries(bounds: buckets) }
    }

    // A series that disappears looks like a restart to Prometheus, and the limits bound the memory: nothing is destroyed.

    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
}
