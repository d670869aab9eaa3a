/// What a metric is called and means: its `# HELP` line, and the buckets when it is a histogram.
package struct MetricDescription: Sendable {
    /// The full name in the exposition, with its unit and suffix: `postrider_attempt_duration_seconds`.
    package let name: String
    /// What it counts or measures, as a sentence for operators.
    package let help: String
    /// The upper bounds of the buckets of a histogram, ascending, without infinity.
    package let buckets: [Double]

    /// Describes a metric.
    package init(name: String, help: String, buckets: [Double] = MetricDescription.durationBuckets) {
        self.name = name
        self.help = help
        self.buckets = buckets
    }

    /// Seconds: fine where healthy endpoints answer, coarse up to the longest timeouts.
    package static let durationBuckets: [Double] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60,
    ]
}
