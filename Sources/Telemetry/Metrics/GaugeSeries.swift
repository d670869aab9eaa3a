import CoreMetrics

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
