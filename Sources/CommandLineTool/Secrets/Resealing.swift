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
            sealing.again(
                text, for: SealingContext(endpoint: endpoint.name, tenant: endpoint.tenant, purpose: purpose))
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

/// What has to be sealed again of one source. No I/O.
struct SourceResealing {
    private(set) var changes: [ResealedSourceText] = []
    /// Texts that no key of the file opens. They stay as they are.
    private(set) var unreadable = 0

    init(of source: SourceSealedTexts, _ sealing: SecretSealing) {
        let place = SealingContext(endpoint: source.name, tenant: source.tenant, purpose: .sourceSecret)
        for text in source.secrets where sealing.needsResealing(text) {
            guard let new = sealing.again(text, for: place) else {
                unreadable += 1
                continue
            }
            changes.append(ResealedSourceText(source: source.name, was: text, sealed: new))
        }
    }
}

extension SecretSealing {
    /// A text sealed with the newest key, which was plain or sealed with another; nil where no key opens it.
    fileprivate func again(_ text: String, for context: SealingContext) -> String? {
        let plain = Self.isSealed(text) ? try? open(text, for: context) : text
        return plain.flatMap { try? seal($0, for: context) }
    }
}
