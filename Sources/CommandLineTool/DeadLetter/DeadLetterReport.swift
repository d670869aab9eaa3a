import OutboxStore
import Postgres

/// A dead letter as JSON.
struct DeadLetterReport: Encodable {
    let id: Int64
    let eventId: Int64
    let webhookId: String
    let eventType: String?
    let tenant: String?
    let endpoint: String
    let attempts: Int32
    let reason: String
    let lastHttpStatus: Int32?
    let lastErrorCode: String?
    let lastError: String?
    let createdAt: String
    let deadAt: String

    init(_ letter: DeadLetter) {
        id = letter.id
        eventId = letter.event
        webhookId = letter.webhookID
        eventType = letter.eventType
        tenant = letter.tenant
        endpoint = letter.endpoint
        attempts = letter.attempts
        reason = letter.reason
        lastHttpStatus = letter.lastHTTPStatus
        lastErrorCode = letter.lastErrorCode
        lastError = letter.lastError
        createdAt = letter.createdAt.description
        deadAt = letter.deadAt.description
    }
}
