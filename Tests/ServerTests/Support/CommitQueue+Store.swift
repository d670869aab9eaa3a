import Inbox

@testable import Server

extension CommitQueue {
    /// Waits until a request is committed, or cannot be.
    func store(_ webhook: ReceivedWebhook) async throws(Refusal) -> Receipt {
        try await withCheckedContinuation { continuation in
            add(webhook) { continuation.resume(returning: $0) }
        }.get()
    }
}
