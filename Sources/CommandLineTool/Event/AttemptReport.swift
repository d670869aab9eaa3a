import FoundationEssentials
import OutboxStore
import Postgres

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
    /// Milliseconds since the start, by phase.
    let timings: [String: Double]
    let worker: Int32

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
        timings = (try? JSONDecoder().decode([String: Double].self, from: Data(attempt.timings))) ?? [:]
        worker = attempt.worker
    }
}
