/// What all series have in common: they can write themselves.
protocol PrometheusSeries: AnyObject, Sendable {
    /// Writes the samples of the series.
    func write(name: String, labels: LabelSet, to text: inout PrometheusText)
}
