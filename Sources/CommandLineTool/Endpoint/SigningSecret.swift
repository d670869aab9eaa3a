import Settings
import Telemetry
import Webhooks
import Worker

/// The signing secret of a command: the one that was given, or a new one; sealed for the database where there is a key.
struct SigningSecret {
    let secret: WebhookSecret
    /// Whether it was made here, so that it has to be shown.
    let isNew: Bool

    /// The most bytes that are read from standard input.
    private static let inputLimit = 1024

    /// - Parameter given: the value of `--secret`: `whsec_…`, or `-` for standard input.
    init(given: String?, in context: CommandContext) throws {
        isNew = given == nil
        guard let given else {
            secret = try WebhookSecret(bytes: context.randomBytes(WebhookSecret.generatedByteCount))
            return
        }
        guard given == "-" else {
            secret = try WebhookSecret(given)
            return
        }
        let input = String(decoding: context.readInput(Self.inputLimit), as: UTF8.self)
        secret = try WebhookSecret(String(input.prefix { !$0.isWhitespace }))
    }

    /// What to store for an endpoint.
    func stored(for endpoint: String, tenant: String, _ configuration: WorkerConfiguration) throws -> String {
        guard let sealing = try Self.sealing(configuration) else { return secret.revealed }
        return try sealing.seal(
            secret.revealed, for: SealingContext(endpoint: endpoint, tenant: tenant, purpose: .signingSecret))
    }

    /// The keys that seal secrets; nil without a key file.
    static func sealing(_ configuration: WorkerConfiguration) throws -> SecretSealing? {
        guard let path = configuration.secretKeyFile else { return nil }
        return try SecretSealing(keyFile: try SecretKeyFile.read(from: path).reveal())
    }
}
