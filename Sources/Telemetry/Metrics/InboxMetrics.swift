package import Metrics
import Synchronization

/// The metrics of a process that receives.
package final class InboxMetrics: Sendable {
    /// Of one source.
    private struct Tally {
        var stored = 0
        var duplicates = 0
        var refused: [String: Int] = [:]
    }

    /// So many sources are named. All others, and names that are none, are counted together.
    package static let namedSources = 100
    private static let others = ""

    package let commits: Counter
    package let answerDuration: Timer

    private let tallies = Mutex<[String: Tally]>([:])

    /// Makes every metric in `registry`.
    package init(registry: PrometheusRegistry) {
        commits = Counter(label: MetricDescription.inboxCommits.name, dimensions: [], factory: registry)
        answerDuration = Timer(label: MetricDescription.inboxAnswerDuration.name, factory: registry)
        registry.readCounters(MetricDescription.inboxStored.name) { [weak self] in
            self?.all { [([], $0.stored)] } ?? []
        }
        registry.readCounters(MetricDescription.inboxDuplicates.name) { [weak self] in
            self?.all { [([], $0.duplicates)] } ?? []
        }
        registry.readCounters(MetricDescription.inboxRefused.name) { [weak self] in
            self?.all { tally in tally.refused.sorted { $0.key < $1.key }.map { ([("reason", $0.key)], $0.value) } }
                ?? []
        }
    }

    /// A request of a source is stored.
    package func stored(_ source: String, isNew: Bool) {
        count(source) { tally in
            if isNew { tally.stored += 1 } else { tally.duplicates += 1 }
        }
    }

    /// A request was refused.
    ///
    /// - Parameters:
    ///   - source: its name; nil when there is none of the name that was asked for.
    ///   - reason: a word of a closed set.
    package func refused(_ source: String?, reason: String) {
        count(source ?? Self.others) { $0.refused[reason, default: 0] += 1 }
    }

    private func count(_ source: String, _ change: (inout Tally) -> Void) {
        tallies.withLock { tallies in
            let name = tallies[source] != nil || tallies.count < Self.namedSources ? source : Self.others
            change(&tallies[name, default: Tally()])
        }
    }

    private func all(
        _ read: (Tally) -> [(labels: [(String, String)], count: Int)]
    ) -> [(labels: [(String, String)], value: Double)] {
        tallies.withLock { $0 }.sorted { $0.key < $1.key }.flatMap { name, tally in
            read(tally).map { (labels: [("source", name)] + $0.labels, value: Double($0.count)) }
        }
    }
}

extension MetricDescription {
    static let inboxStored = Self(
        name: "postrider_inbox_stored_total", help: "Requests stored and answered with 200, by source.")
    static let inboxDuplicates = Self(
        name: "postrider_inbox_duplicates_total",
        help: "Requests whose id was stored before, answered with 200, by source.")
    static let inboxRefused = Self(
        name: "postrider_inbox_refused_total",
        help: "Requests that were not stored, by source and reason; without a source where there is none of that name.")
    static let inboxCommits = Self(
        name: "postrider_inbox_commits_total", help: "Transactions in which requests were stored.")
    static let inboxAnswerDuration = Self(
        name: "postrider_inbox_answer_duration_seconds",
        help: "How long requests that were stored took, from the end of their body to their answer.")
    package static let inboxWaiting = Self(
        name: "postrider_inbox_waiting", help: "Requests that wait for their transaction.")
    package static let inboxHeldBytes = Self(
        name: "postrider_inbox_held_bytes", help: "Bytes of bodies that are held.")
    package static let inboxConnections = Self(
        name: "postrider_inbox_connections", help: "Connections of senders.")
    package static let inboxEndedConnections = Self(
        name: "postrider_inbox_ended_connections_total",
        help: "Connections ended because they took too long or were too many.")
    package static let inboxSources = Self(
        name: "postrider_inbox_sources", help: "Sources by whether they can be used.")

    /// Those of a process that receives, for a registry.
    package static let inbox: [Self] = [
        inboxStored, inboxDuplicates, inboxRefused, inboxCommits, inboxAnswerDuration, inboxWaiting, inboxHeldBytes,
        inboxConnections, inboxEndedConnections, inboxSources, unready, logLinesDropped, buildInfo, databaseReconnects,
    ]
}
