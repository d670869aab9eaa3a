import CoreMetrics
import Synchronization

/// How often values fell into each of some fixed ranges, one label set of a histogram.
///
/// Recording is a search over a handful of bounds, one atomic addition, and one for the sum.
final class HistogramSeries: RecorderHandler, TimerHandler, PrometheusSeries {
    /// One counter on the heap: an array cannot hold atomics themselves.
    private final class Bucket: Sendable {
        let count = Atomic<UInt64>(0)
    }

    private let bounds: [Double]
    /// One for each bound, and the last for everything beyond.
    private let buckets: [Bucket]
    private let sum = AtomicDouble()

    init(bounds: [Double]) {
        self.bounds = bounds
        self.buckets = (0...bounds.count).map { _ in Bucket() }
    }

    func record(_ value: Int64) {
        record(Double(value))
    }

    func record(_ value: Double) {
        guard !value.isNaN else { return }
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        buckets[index].count.wrappingAdd(1, ordering: .relaxed)
        sum.add(value)
    }

    func recordNanoseconds(_ duration: Int64) {
        record(Double(duration) / 1_000_000_000)
    }

    func write(name: String, labels: LabelSet, to text: inout PrometheusText) {
        // The count is the sum of the buckets read here, so that a scrape amid recordings still agrees with itself.
        var count: UInt64 = 0
        for (bucket, bound) in zip(buckets, bounds.map(PrometheusText.number) + ["+Inf"]) {
            count += bucket.count.load(ordering: .relaxed)
            text.sample(name + "_bucket", labels, "\(count)", lessOrEqual: bound)
        }
        text.sample(name + "_sum", labels, PrometheusText.number(sum.value))
        text.sample(name + "_count", labels, "\(count)")
    }
}
