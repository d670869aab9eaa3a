import FoundationEssentials
import OutboxStore
import Postgres

/// The attempts of an event as lines: when, where, how long each phase took, and the answer.
struct Timeline {
    private let start: PostgresTimestamp
    private let width: Int

    /// The most scalars of an error or an answer that are shown.
    private static let excerptLimit = 300
    /// Stands before the text of each line.
    private static let indent = String(repeating: " ", count: 11)

    /// - Parameter start: when the transaction of the event began.
    init(since start: PostgresTimestamp, width: Int) {
        self.start = start
        self.width = width
    }

    /// One attempt: a line of facts, a line of phases, and the answer, folded to the width.
    func lines(_ attempt: AttemptRecord) -> [String] {
        let worker = attempt.workerName ?? "\(attempt.worker)"
        guard !attempt.isUnreported else {
            let end = offset(attempt.startedAt.advanced(by: attempt.duration))
            return fold(
                "\(attempt.endpoint), attempt \(attempt.attempt): worker \(worker) did not report; "
                    + "its lease ended at \(end)", first: offset(attempt.startedAt))
        }
        var answer = attempt.httpStatus.map { "answered \($0)" } ?? attempt.errorCode ?? "no answer"
        if attempt.outcome == "stale" { answer += ", too late: the lease was lost" }
        let facts = "\(attempt.endpoint), attempt \(attempt.attempt): \(answer)"
        var lines = fold(facts, first: offset(attempt.startedAt))
        lines += fold(phases(attempt), first: "")
        if let error = attempt.error, attempt.httpStatus == nil { lines += fold("error: \(error)", first: "") }
        let headers = [("Retry-After", attempt.retryAfter), ("Location", attempt.location)].compactMap { name, value in
            value.map { "\(name): \($0)" }
        }
        if !headers.isEmpty { lines += fold(headers.joined(separator: ", "), first: "") }
        if let body = attempt.responseBody, !body.isEmpty {
            lines += fold("answer: \(body.prefix(Self.excerptLimit))", first: "")
        }
        return lines
    }

    /// The first line: the event itself.
    func beginning(_ text: String) -> [String] { fold(text, first: offset(start)) }

    /// How long after the start.
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
        let timings = attempt.phases
        let named = [
            ("name_lookup_ms", "name"), ("connect_ms", "connect"), ("tls_ms", "TLS"), ("first_byte_ms", "first byte"),
        ]
        let phases = named.compactMap { key, name in timings[key].map { "\(name) \($0)" } }.joined(separator: ", ")
        let allowed = attempt.allowed.map { " of \($0) allowed" } ?? ""
        let total = "\(Seconds.number(attempt.duration * 1000)) ms\(allowed)"
        let worker = attempt.workerName ?? "\(attempt.worker)"
        return total + (phases.isEmpty ? "" : ": \(phases)") + ", worker \(worker)"
            + (attempt.remoteAddress.map { ", to \($0)" } ?? "")
    }

    private func fold(_ text: String, first: String) -> [String] {
        let lead = first + String(repeating: " ", count: max(1, Self.indent.count - first.count))
        return Folded.lines(text, width: width, first: lead, rest: Self.indent)
    }
}

/// An attempt as JSON.
struct AttemptReport: Encodable {
    let endpoint: String
    let attempt: Int32
    let startedAt: String
    let durationMs: Double
    let outcome: String
    let httpStatus: Int32?
    let errorCode: String?
    let error: String?
    let responseBody: String?
    let requestUrl: String?
    let remoteAddress: String?
    /// How many milliseconds each phase took.
    let timings: [String: Double]
    let worker: Int32
    let workerName: String?
    let retryAfter: String?
    let location: String?
    let allowedMs: Int32?

    init(_ attempt: AttemptRecord) {
        endpoint = attempt.endpoint
        self.attempt = attempt.attempt
        startedAt = attempt.startedAt.description
        durationMs = Seconds.number(attempt.duration * 1000)
        outcome = attempt.outcome
        httpStatus = attempt.httpStatus
        errorCode = attempt.errorCode
        error = attempt.error
        responseBody = attempt.responseBody
        requestUrl = attempt.requestURL
        remoteAddress = attempt.remoteAddress
        timings = attempt.phases
        worker = attempt.worker
        workerName = attempt.workerName
        retryAfter = attempt.retryAfter
        location = attempt.location
        allowedMs = attempt.allowed
    }
}

extension AttemptRecord {
    /// How many milliseconds each phase took.
    fileprivate var phases: [String: Double] {
        (try? JSONDecoder().decode([String: Double].self, from: Data(timings))) ?? [:]
    }
}
