import Metrics
import Synchronization

/// The metrics of the door for customers. No token, tenant or name is a label.
package final class APIMetrics: Sendable {
    private struct Tally {
        var answers: [Int: Int] = [:]
        var refused: [String: Int] = [:]
    }

    private let answerDuration: Timer
    private let tally = Mutex(Tally())

    /// Makes every metric in `registry`.
    package init(registry: PrometheusRegistry) {
        answerDuration = Timer(label: MetricDescription.apiAnswerDuration.name, factory: registry)
        registry.readCounters(MetricDescription.apiAnswers.name) { [weak self] in
            self?.tally.withLock(\.answers).sorted { $0.key < $1.key }.map {
                (labels: [("status", "\($0.key)")], value: Double($0.value))
            }
                ?? []
        }
        registry.readCounters(MetricDescription.apiRefused.name) { [weak self] in
            self?.tally.withLock(\.refused).sorted { $0.key < $1.key }.map {
                (labels: [("reason", $0.key)], value: Double($0.value))
            }
                ?? []
        }
    }

    package func answered(_ status: Int, after time: Duration) {
        tally.withLock { $0.answers[status, default: 0] += 1 }
        answerDuration.recordNanoseconds(Int64(clamping: time.attoseconds / 1_000_000_000))
    }

    /// - Parameter reason: a word of a closed set.
    package func refused(_ reason: String) {
        tally.withLock { $0.refused[reason, default: 0] += 1 }
    }
}

extension MetricDescription {
    static let apiAnswers = Self(name: "postrider_api_answers_total", help: "Answers to customers, by status.")
    static let apiRefused = Self(
        name: "postrider_api_refused_total", help: "Requests of customers that were not done, by reason.")
    static let apiAnswerDuration = Self(
        name: "postrider_api_answer_duration_seconds",
        help: "How long requests of customers took, from their head to their answer.")
    package static let apiConnections = Self(name: "postrider_api_connections", help: "Connections of customers.")
    package static let apiEndedConnections = Self(
        name: "postrider_api_ended_connections_total",
        help: "Connections of customers ended because they took too long or were too many.")

    /// Those of the door for customers alone.
    package static let api: [Self] = [
        apiAnswers, apiRefused, apiAnswerDuration, apiConnections, apiEndedConnections,
    ]
}
