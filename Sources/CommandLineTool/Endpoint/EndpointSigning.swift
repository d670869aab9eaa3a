import OutboxStore
import Settings
import Webhooks

/// Makes the signer of an endpoint out of what is stored.
enum EndpointSigning {
    static func signer(_ endpoint: EndpointRecord, _ sealing: SecretSealing?) throws -> WebhookSigner {
        let context = SealingContext(endpoint: endpoint.name, tenant: endpoint.tenant, purpose: .signingSecret)
        return try WebhookSigner(
            secrets: endpoint.secrets.map { text in
                guard SecretSealing.isSealed(text) else { return try WebhookSecret(text) }
                guard let sealing else {
                    throw CommandError(
                        .configuration, "the signing secret is sealed and POSTRIDER_SECRET_KEY_FILE is not set")
                }
                return try WebhookSecret(try sealing.open(text, for: context))
            })
    }
}
