import Courier
import Outbox
import Webhooks

/// An endpoint ready to be sent to: judged, parsed, its keys at hand.
final class Endpoint: Sendable {
    /// Why nothing may be sent to an endpoint as it is stored.
    struct Problem: Error, Hashable, Sendable {
        let code: ErrorCode
        let message: String
    }

    /// What a sound endpoint has.
    struct Settings: Sendable {
        let route: CourierRoute
        let signer: WebhookSigner
        /// Custom headers.
        let headers: HeaderFields
    }

    let id: Int32
    let revision: Int32
    let name: String
    let urlID: Int32
    let format: PayloadFormat
    let policy: RetryPolicy
    let timeout: Duration
    let settings: Result<Settings, Problem>

    init(
        id: Int32, revision: Int32, name: String, urlID: Int32, format: PayloadFormat, policy: RetryPolicy,
        timeout: Duration, settings: Result<Settings, Problem>
    ) {
        self.id = id
        self.revision = revision
        self.name = name
        self.urlID = urlID
        self.format = format
        self.policy = policy
        self.timeout = timeout
        self.settings = settings
    }
}
