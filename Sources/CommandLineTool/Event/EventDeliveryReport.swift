import OutboxStore
import Postgres

/// What became of an event at an endpoint, as JSON.
struct EventDeliveryReport: Encodable {
    let eventId: Int64
    let webhookId: String
    let eventType: String?
    let tenant: String?
    /// Absent when the event matched nothing.
    let endpoint: String?
    let status: String
    let attempts: Int32
    let dueAt: String?
    let lastAttemptAt: String?
    let lastHttpStatus: Int32?
    let lastErrorCode: String?
    let createdAt: String
    let finishedAt: String?
    /// What happens next, in words; `event show` alone tells it.
    var next: String?

    init(_ delivery: EventDelivery) {
        eventId = delivery.event
        webhookId = delivery.webhookID
        eventType = delivery.eventType
        tenant = delivery.tenant
        endpoint = delivery.endpoint
        status = delivery.status
        attempts = delivery.attempts
        dueAt = delivery.dueAt?.description
        lastAttemptAt = delivery.lastAttemptAt?.description
        lastHttpStatus = delivery.lastHTTPStatus
        lastErrorCode = delivery.lastErrorCode
        createdAt = delivery.createdAt.description
        finishedAt = delivery.finishedAt?.description
    }
}
