import Settings
import Telemetry
import Webhooks
import Worker

/// The signing secret that a command stores: the one that was given, or a new one.
struct SigningSecret {
    let secret: WebhookSecret
    private let isNew: Bool

    /// The most bytes that are read from standard input.
    private static let inputLimit = 1024

    /// - Parameter given: the value of `--secret`: `whsec_…`, or `-` for standard input.
    init(given: String?, in context: CommandContext) throws {
        guard let given else {
            self = try Self.made(in: context)
            return
        }
        guard given == "-" else {
            self.init(try WebhookSecret(given))
            return
        }
        let input = String(decoding: try context.input(limit: Self.inputLimit), as: UTF8.self)
        self.init(try WebhookSecret(String(input.prefix { !$0.isWhitespace })))
    }

    /// One that was given.
    init(_ secret: WebhookSecret) {
        self.secret = secret
        isNew = false
    }

    private init(new secret: WebhookSecret) {
        self.secret = secret
        isNew = true
    }

    static func made(in context: CommandContext) throws -> SigningSecret {
        SigningSecret(new: try WebhookSecret(bytes: context.randomBytes(WebhookSecret.generatedByteCount)))
    }

    /// The secret when it was made here: then this is the only time that it is shown.
    var shown: String? { isNew ? secret.revealed : nil }

    /// When the secret was made here and standard output did not take it, says how to get another.
    func tellIfUnseen(of endpoint: String, in context: CommandContext) {
        context.flushOutput()
        guard isNew, context.outputFailure() != nil else { return }
        context.writeError(
            """
            postrider: endpoint \(PrintableText(endpoint)) has a new signing secret, which could not be shown. To get another: \
            postrider endpoint rotate-secret \(PrintableText("\(ShellWord(endpoint))"))

            """)
    }

    /// What the database stores: sealed when there is a key file.
    func stored(for endpoint: String, tenant: String, _ configuration: WorkerConfiguration) throws -> String {
        guard let sealing = try Self.sealing(configuration) else { return secret.revealed }
        return try sealing.seal(
            secret.revealed, for: SealingContext(endpoint: endpoint, tenant: tenant, purpose: .signingSecret))
    }

    /// nil without a key file.
    static func sealing(_ configuration: WorkerConfiguration) throws -> SecretSealing? {
        guard let path = configuration.secretKeyFile else { return nil }
        return try SecretSealing(keyFile: try SecretKeyFile.read(from: path).reveal())
    }
}
