import FoundationEssentials
import OutboxStore
import Postgres

/// The attempts of an event as a story: when, where, how long each phase took, what was answered.
struct Timeline {
    private let start: PostgresTimestamp
    private let width: Int

    /// The most scalars of an error or an answer that are shown.
    private static let excerptLimit = 300
    /// The columns before what is said about a moment.
    private static let indent = String(repeating: " ", count: 11)

    /// - Parameter start: when the event was committed or, to be exact, its transaction began.
    init(since start: PostgresTimestamp, width: Int) {
        self.start = start
        self.width = width
    }

    /// One attempt: a line of facts, a line of phases, and what was answered, folded to the width.
    func lines(_ attempt: AttemptRecord) -> [String] {
        var answer = attempt.httpStatus.map { "answered \($0)" } ?? attempt.errorCode ?? "no answer"
        if attempt.outcome == "stale" { answer += ", too late: the lease was lost" }
        let facts = "\(ShortName(attempt.endpoint)), attempt \(attempt.attempt): \(answer)"
        var lines = fold(facts, first: offset(attempt.startedAt))
        lines += fold(phases(attempt), first: "")
        if let error = attempt.error, attempt.httpStatus == nil { lines += fold("error: \(error)", first: "") }
        if let body = attempt.responseBody, !body.isEmpty {
            lines += fold("answer: \(body.prefix(Self.excerptLimit))", first: "")
        }
        return lines
    }

    /// The first line: the event itself.
    func beginning(_ text: String) -> [String] { fold(text, first: offset(start)) }

    /// How long after the start, in the width of the indent.
    private func offset(_ moment: PostgresTimestamp) -> String {
        guard let from = start.unixMicroseconds, let to = moment.unixMicroseconds else { return "" }
        let (difference, overflow) = to.subtractingReportingOverflow(from)
        guard !overflow else { return "" }
        let length = Duration.microseconds(difference)
        if length < .seconds(100) { return "+\(Seconds.number(length))s" }
        return "+" + Lag.text(length)
    }

    /// `12.3 ms: name 1.2, connect 2.1, TLS 4.0, first byte 5.0 · worker 3 · to 203.0.113.7`
    private func phases(_ attempt: AttemptRecord) -> String {
        let timings = (try? JSONDecoder().decode([String: Double].self, from: Data(attempt.timings))) ?? [:]
        let named = [
            ("name_lookup_ms", "name"), ("connect_ms", "connect"), ("tls_ms", "TLS"), ("first_byte_ms", "first byte"),
        ]
        let phases = named.compactMap { key, name in timings[key].map { "\(name) \($0)" } }.joined(separator: ", ")
        let total = "\(Seconds.number(attempt.duration * 1000)) ms"
        return total + (phases.isEmpty ? "" : ": \(phases)") + ", worker \(attempt.worker)"
            + (attempt.remoteAddress.map { ", to \($0)" } ?? "")
    }

    private func fold(_ text: String, first: String) -> [String] {
        let lead = first + String(repeating: " ", count: max(1, Self.indent.count - first.count))
        return Folded.lines(text, width: width, first: lead, rest: Self.indent)
    }
}
