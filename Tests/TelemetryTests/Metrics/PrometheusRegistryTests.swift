import Metrics
import Testing

@testable import Telemetry

@Suite struct PrometheusRegistryTests {
    /// The exposition without the registry's own counter.
    private func exposition(of registry: PrometheusRegistry) -> String {
        registry.exposition().split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.contains("postrider_metrics_refused_total") }.joined(separator: "\n")
    }

    private func refused(by registry: PrometheusRegistry) -> String? {
        registry.exposition().split(separator: "\n").first { $0.hasPrefix("postrider_metrics_refused_total ") }
            .map { String($0.split(separator: " ")[1]) }
    }

    @Test func counterIsWrittenWithHelpAndType() {
        let registry = PrometheusRegistry(describing: [
            MetricDescription(name: "a_total", help: "Counts \\ things.\nAnd more.")
        ])
        let counter = Counter(label: "a", dimensions: [("z", "1"), ("b", "2")], factory: registry)
        counter.increment()
        counter.increment(by: 41)
        #expect(
            exposition(of: registry) == """
                # HELP a_total Counts \\\\ things.\\nAnd more.
                # TYPE a_total counter
                a_total{b="2",z="1"} 42

                """)
    }

    @Test func familiesAndLabelSetsAreSortedAndNeverRepeated() {
        let registry = PrometheusRegistry()
        for name in ["b", "a"] {
            for value in ["2", "1"] {
                _ = Counter(label: name, dimensions: [("l", value)], factory: registry)
                _ = Counter(label: name, dimensions: [("l", value)], factory: registry)
            }
        }
        #expect(
            exposition(of: registry) == """
                # HELP a_total Not described.
                # TYPE a_total counter
                a_total{l="1"} 0
                a_total{l="2"} 0
                # HELP b_total Not described.
                # TYPE b_total counter
                b_total{l="1"} 0
                b_total{l="2"} 0

                """)
    }

    @Test func sameNameAndLabelsAreTheSameCounter() {
        let registry = PrometheusRegistry()
        Counter(label: "a", dimensions: [("x", "1"), ("y", "2")], factory: registry).increment()
        Counter(label: "a_total", dimensions: [("y", "2"), ("x", "1")], factory: registry).increment()
        #expect(exposition(of: registry).contains(#"a_total{x="1",y="2"} 2"#))
    }

    @Test(arguments: [
        (#"back\slash"#, #"back\\slash"#), (#"quo"te"#, #"quo\"te"#), ("new\nline", #"new\nline"#),
        ("naïve 日本 🙂", "naïve 日本 🙂"), ("", ""), ("}{,=", "}{,="),
    ])
    func labelValueIsEscaped(value: String, written: String) {
        let registry = PrometheusRegistry()
        _ = Counter(label: "a", dimensions: [("l", value)], factory: registry)
        #expect(exposition(of: registry).contains("\na_total{l=\"\(written)\"} 0\n"))
    }

    @Test(arguments: [
        ("http.requests-seen", "http_requests_seen_total"), ("9lives", "_9lives_total"), ("", "__total"),
        ("a:b", "a:b_total"), ("naïve", "na__ve_total"), ("x\n# TYPE y counter", "x___TYPE_y_counter_total"),
    ])
    func foreignNamesAreMadeToFit(label: String, written: String) {
        let registry = PrometheusRegistry()
        _ = Counter(label: label, dimensions: [("a-b:c", "1"), ("__d", "2")], factory: registry)
        #expect(exposition(of: registry).contains("\n\(written){a_b_c=\"1\",d=\"2\"} 0\n"))
    }

    @Test func counterNeverGoesDown() {
        let registry = PrometheusRegistry()
        let handler = registry.makeCounter(label: "a", dimensions: [])
        handler.increment(by: 5)
        handler.increment(by: -3)
        handler.increment(by: .min)
        let fractions = registry.makeFloatingPointCounter(label: "a", dimensions: [])
        fractions.increment(by: 0.25)
        fractions.increment(by: -1)
        fractions.increment(by: .nan)
        fractions.increment(by: .infinity)
        #expect(exposition(of: registry).contains("\na_total 5.25\n"))
    }

    @Test func gaugeTakesAnyNumber() {
        let registry = PrometheusRegistry()
        let gauge = Gauge(label: "g", factory: registry)
        for (value, written) in [(1.5, "1.5"), (-3, "-3"), (1e21, "1e+21"), (.nan, "NaN"), (-.infinity, "-Inf")] {
            gauge.record(value)
            #expect(exposition(of: registry).hasSuffix("# TYPE g gauge\ng \(written)\n"))
        }
    }

    @Test func meterMovesBothWays() {
        let registry = PrometheusRegistry()
        let meter = Meter(label: "m", factory: registry)
        meter.set(10)
        meter.increment(by: 2.5)
        meter.decrement()
        #expect(exposition(of: registry).hasSuffix("# TYPE m gauge\nm 11.5\n"))
    }

    @Test func timerIsAHistogramOfSeconds() {
        let registry = PrometheusRegistry(describing: [
            MetricDescription(name: "t_seconds", help: "Time.", buckets: [0.1, 1])
        ])
        let timer = Timer(label: "t", dimensions: [("l", "x")], factory: registry)
        timer.recordMilliseconds(100)
        timer.recordMilliseconds(101)
        timer.recordSeconds(1)
        timer.recordSeconds(61)
        #expect(
            exposition(of: registry) == """
                # HELP t_seconds Time.
                # TYPE t_seconds histogram
                t_seconds_bucket{l="x",le="0.1"} 1
                t_seconds_bucket{l="x",le="1"} 3
                t_seconds_bucket{l="x",le="+Inf"} 4
                t_seconds_sum{l="x"} 62.201
                t_seconds_count{l="x"} 4

                """)
    }

    @Test func recorderAggregatesIntoAHistogram() {
        let registry = PrometheusRegistry(describing: [MetricDescription(name: "r", help: "R.", buckets: [10])])
        let recorder = Recorder(label: "r", dimensions: [("le", "mine")], factory: registry)
        recorder.record(10)
        recorder.record(11.5)
        recorder.record(Double.nan)
        #expect(
            exposition(of: registry).hasSuffix(
                """
                r_bucket{le="10"} 1
                r_bucket{le="+Inf"} 2
                r_sum 21.5
                r_count 2

                """))
    }

    @Test func readGaugeIsAskedAtEachScrape() {
        let registry = PrometheusRegistry()
        let asked = Counter(label: "asked", factory: registry)
        registry.readGauge("g", labels: [("l", "x")]) {
            asked.increment()
            return 7
        }
        registry.readGauge("h") { nil }
        #expect(exposition(of: registry).contains("\ng{l=\"x\"} 7\n"))
        #expect(exposition(of: registry).contains("\nasked_total 1\n"))
        #expect(!exposition(of: registry).contains("\nh "))
    }

    @Test func nameInUseForAnotherKindIsRefused() {
        let registry = PrometheusRegistry()
        Gauge(label: "a_total", factory: registry).record(1)
        Counter(label: "a", factory: registry).increment(by: 9)
        #expect(exposition(of: registry).hasSuffix("# TYPE a_total gauge\na_total 1\n"))
        #expect(refused(by: registry) == "1")
    }

    @Test func labelSetsAreLimited() {
        let registry = PrometheusRegistry()
        for number in 0..<1000 {
            Counter(label: "a", dimensions: [("l", "\(number)")], factory: registry).increment()
        }
        let samples = exposition(of: registry).split(separator: "\n").filter { $0.hasPrefix("a_total{") }
        #expect(samples.count == PrometheusRegistry.labelSetLimit)
        #expect(refused(by: registry) == "\(1000 - PrometheusRegistry.labelSetLimit)")
    }

    @Test func metricsAreLimited() {
        let registry = PrometheusRegistry()
        for number in 0..<300 {
            _ = Counter(label: "a\(number)", factory: registry)
        }
        #expect(refused(by: registry) == "\(300 - PrometheusRegistry.metricLimit)")
    }

    @Test func nothingIsLostWhenManyThreadsCount() async {
        let registry = PrometheusRegistry(describing: [MetricDescription(name: "t_seconds", help: "T.", buckets: [1])])
        let meter = Meter(label: "m", factory: registry)
        let timer = Timer(label: "t", factory: registry)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let counter = Counter(label: "a", factory: registry)
                    for _ in 0..<5000 {
                        counter.increment()
                        meter.increment(by: 0.5)
                        timer.recordSeconds(2)
                    }
                }
            }
        }
        let text = exposition(of: registry)
        #expect(text.contains("\na_total 40000\n"))
        #expect(text.contains("\nm 20000\n"))
        #expect(text.contains("\nt_seconds_bucket{le=\"+Inf\"} 40000\nt_seconds_sum 80000\nt_seconds_count 40000\n"))
    }
}
