import CoreMetrics
import Synchronization

/// What all series have in common: they can write themselves.
protocol PrometheusSeries: AnyObject, Sendable {
    func write(name: String, labels: LabelSet, to text: inout PrometheusText)
}

/// A number that only grows, one label set of a counter. Incrementing it is one atomic addition.
final class CounterSeries: CounterHandler, FloatingPointCounterHandler, PrometheusSeries {
    private let whole = Atomic<UInt64>(0)
    private let fraction = AtomicDouble()

    func increment(by amount: Int64) {
        // A counter that went down would look like a restart to Prometheus.
        guard let amount = UInt64(exactly: amount) else { return }
        whole.wrappingAdd(amount, ordering: .relaxed)
    }

    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        fraction.add(amount)
    }

    func reset() {
        whole.store(0, ordering: .relaxed)
        fraction.store(0)
    }

    func write(name: String, labels: LabelSet, to text: inout PrometheusText) {
        let fraction = fraction.value
        let whole = whole.load(ordering: .relaxed)
        text.sample(name, labels, fraction == 0 ? "\(whole)" : PrometheusText.number(Double(whole) + fraction))
    }
}

/// A number that goes up and down, one label set of a gauge.
final class GaugeSeries: RecorderHandler, MeterHandler, PrometheusSeries {
    private let number = AtomicDouble()

    func record(_ value: Int64) { number.store(Double(value)) }
    func record(_ value: Double) { number.store(value) }
    func set(_ value: Int64) { number.store(Double(value)) }
    func set(_ value: Double) { number.store(value) }
    func increment(by amount: Double) { number.add(amount) }
    func decrement(by amount: Double) { number.add(-amount) }

    func write(name: String, labels: LabelSet, to text: inout PrometheusText) {
        text.sample(name, labels, PrometheusText.number(number.value))
    }
}

/// A gauge or counter whose number is read at each scrape instead of being kept.
final class ReadGaugeSeries: PrometheusSeries {
    private let read: @Sendable () -> Double?

    init(_ read: @escaping @Sendable () -> Double?) {
        self.read = read
    }

    func write(name: String, labels: LabelSet, to text: inout PrometheusText) {
        guard let value = read() else { return }
        text.sample(name, labels, PrometheusText.number(value))
    }
}

/// Gauges of one name whose labels and numbers are read at each scrape.
final class ReadGaugesSeries: PrometheusSeries {
    private let limit: Int
    private let read: @Sendable () -> [(labels: [(String, String)], value: Double)]

    init(limit: Int, _ read: @escaping @Sendable () -> [(labels: [(String, String)], value: Double)]) {
        self.limit = limit
        self.read = read
    }

    func write(name: String, labels: LabelSet, to text: inout PrometheusText) {
        for sample in read().prefix(limit) {
            text.sample(name, LabelSet(sample.labels), PrometheusText.number(sample.value))
        }
    }
}

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

/// A floating-point number that many threads may change at once without a lock.
struct AtomicDouble: ~Copyable, Sendable {
    private let bits: Atomic<UInt64>

    init(_ value: Double = 0) {
        bits = Atomic(value.bitPattern)
    }

    var value: Double {
        Double(bitPattern: bits.load(ordering: .relaxed))
    }

    func store(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    func add(_ amount: Double) {
        var current = bits.load(ordering: .relaxed)
        while true {
            let sum = Double(bitPattern: current) + amount
            let result = bits.weakCompareExchange(expected: current, desired: sum.bitPattern, ordering: .relaxed)
            guard !result.exchanged else { return }
            current = result.original
        }
    }
}
