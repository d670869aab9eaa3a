import TestSupport

/// What makes two requests tell apart: the delivery, by the event's id and the path, and the attempt.
struct AttemptToken: Hashable {
    let path: String
    let webhookID: String
    let attempt: String

    init(_ request: CapturedRequest) {
        path = request.path
        webhookID = request.header("webhook-id") ?? ""
        attempt = request.header("webhook-attempt") ?? ""
    }
}
