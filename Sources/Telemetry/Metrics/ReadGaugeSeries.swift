/// A gauge whose number is asked for at each scrape instead of being kept.
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
