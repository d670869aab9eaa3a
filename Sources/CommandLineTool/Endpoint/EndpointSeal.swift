import OutboxStore
import Settings
import Webhooks

/// Seals the secrets of one endpoint, when there is a key file; else they are stored as they are.
struct EndpointSeal {
    let endpoint: String
    let tenant: String
    let sealing: SecretSealing?

    func sealed(_ text: String, _ purpose: SealingPurpose) throws -> String {
        try sealing?.seal(text, for: SealingContext(endpoint: endpoint, tenant: tenant, purpose: purpose)) ?? text
    }

    /// An Ed25519 key for `v1a`, as it is stored.
    func stored(_ key: WebhookPrivateKey) throws -> StoredSigningKey {
        StoredSigningKey(text: try sealed(key.revealed, .signingSecret), publicKey: "\(key.publicKey)")
    }
}
