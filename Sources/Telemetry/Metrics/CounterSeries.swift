import CoreMetrics
import Synchronization

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
