import Outbox
import OutboxStore
import Settings

/// What has to be sealed again of one endpoint. No I/O.
struct Resealing {
    private(set) var changes: [ResealedText] = []
    /// Texts that no key of the file opens. They stay as they are.
    private(set) var unreadable = 0

    init(of endpoint: EndpointSealedTexts, _ sealing: SecretSealing) {
        func sealed(_ text: String, _ purpose: SealingPurpose) -> String? {
            let context = SealingContext(endpoint: endpoint.name, tenant: endpoint.tenant, purpose: purpose)
            let plain = SecretSealing.isSealed(text) ? try? sealing.open(text, for: context) : text
            return plain.flatMap { try? sealing.seal($0, for: context) }
        }
        func add(
            _ kind: ResealedText.Kind, _ id: Int32, _ text: String, _ purpose: SealingPurpose, before: String = ""
        ) {
            guard sealing.needsResealing(text) else { return }
            guard let new = sealed(text, purpose) else { return unreadable += 1 }
            changes.append(ResealedText(kind, id, was: before + text, sealed: before + new))
        }
        for secret in endpoint.secrets { add(.secret, secret.id, secret.text, .signingSecret) }
        let (kind, credentials) = EndpointAuthorization.split(endpoint.auth)
        if let credentials { add(.auth, endpoint.id, credentials, .authorization, before: "\(kind):") }
        if let key = endpoint.clientKey { add(.clientKey, endpoint.id, key, .clientKey) }
    }
}
