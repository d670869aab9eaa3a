import Settings
import Webhooks

/// The secrets of a source on their way into the database.
struct SourceSecrets {
    /// Nil without a key file.
    private let sealing: SecretSealing?
    private let context: CommandContext

    /// The most bytes that are read from standard input.
    private static let inputLimit = 4096

    init(in context: CommandContext) throws {
        self.context = context
        sealing = try SigningSecret.sealing(try context.configuration())
    }

    /// Schemes whose secret the sender's side shows; with `none` there is none.
    private static let unmade = ["stripe", "shopify", "slack", "basic", "none"]

    /// A new secret where it must be made here, since the database cannot seal it. Nil where the database makes one, or none can be made.
    func made(for scheme: String) throws -> String? {
        guard sealing != nil, !Self.unmade.contains(scheme) else { return nil }
        return try WebhookSecret(bytes: context.randomBytes(WebhookSecret.generatedByteCount)).revealed
    }

    /// What was given: a text, or `-` for the first line of standard input.
    func text(_ given: String) throws -> String {
        guard given == "-" else { return given }
        let input = String(decoding: try context.input(limit: Self.inputLimit), as: UTF8.self)
        return String(input.prefix { !$0.isNewline })
    }

    /// What is stored, opened.
    func opened(_ text: String, source: String, tenant: String) throws -> String {
        guard SecretSealing.isSealed(text) else { return text }
        guard let sealing else {
            throw CommandError(.configuration, "the secret is sealed and POSTRIDER_SECRET_KEY_FILE is not set")
        }
        return try sealing.open(
            text, for: SealingContext(endpoint: source, tenant: tenant, purpose: .sourceSecret))
    }

    /// As it is stored.
    func stored(_ secret: String, source: String, tenant: String) throws -> String {
        let place = SealingContext(endpoint: source, tenant: tenant, purpose: .sourceSecret)
        return try sealing?.seal(secret, for: place) ?? secret
    }
}
