import Settings
import Telemetry
import Webhooks
import Worker

/// The signing secret that a command stores: the one that was given, or a new one.
struct SigningSecret {
    let secret: SigningSecretText
    /// For `v1a`; nil where it does not sign.
    let key: WebhookPrivateKey?
    private let isNew: Bool

    /// The most bytes that are read from standard input.
    private static let inputLimit = 1024

    /// - Parameters:
    ///   - given: the value of `--secret`: `whsec_…`, or `-` for standard input. Where only other systems' schemes sign, any text.
    ///   - givenKey: the value of `--signing-key`, in the same way.
    init(
        given: String?, key givenKey: String? = nil, schemes: SignatureSchemes, in context: CommandContext
    ) throws {
        let text = try given.map { try Self.text($0, isLine: schemes.takesText, in: context) }
        let keyText = try givenKey.map { try Self.text($0, isLine: false, in: context) }
        try self.init(text: text, keyText: keyText, schemes: schemes, in: context)
    }

    /// - Parameter text: nil for a new one.
    init(text: String?, keyText: String? = nil, schemes: SignatureSchemes, in context: CommandContext) throws {
        isNew = text == nil
        if let text {
            secret = try SigningSecretText(given: text, takesText: schemes.takesText)
        } else {
            secret = SigningSecretText(
                try WebhookSecret(bytes: context.randomBytes(WebhookSecret.generatedByteCount)))
        }
        guard schemes.schemes.contains(.v1a) else {
            guard keyText == nil else { throw CommandError(.badData, "--signing-key goes with the signature v1a") }
            key = nil
            return
        }
        key = try keyText.map { try WebhookPrivateKey($0) } ?? Self.newKey(in: context)
    }

    static func newKey(in context: CommandContext) throws -> WebhookPrivateKey {
        try WebhookPrivateKey(seed: context.randomBytes(WebhookPrivateKey.seedByteCount))
    }

    /// - Parameter isLine: whether it may hold spaces.
    private static func text(_ given: String, isLine: Bool, in context: CommandContext) throws -> String {
        guard given == "-" else { return given }
        let input = String(decoding: try context.input(limit: inputLimit), as: UTF8.self)
        return String(input.prefix { isLine ? !$0.isNewline : !$0.isWhitespace })
    }

    /// The secret when it was made here: then this is the only time that it is shown.
    var shown: String? { isNew ? secret.standard.revealed : nil }

    /// What receivers verify `v1a` with.
    var publicKey: String? { key.map { "\($0.publicKey)" } }

    var fingerprint: String { secret.standard.fingerprint }

    /// When the secret was made here and standard output did not take it, says how to get another.
    func tellIfUnseen(of endpoint: String, in context: CommandContext) {
        context.flushOutput()
        guard isNew, context.isOutputBroken() else { return }
        context.writeError(
            """
            postrider: endpoint \(PrintableText(endpoint)) has a new signing secret, which could not be shown. To get another: \
            postrider endpoint rotate-secret \(PrintableText("\(ShellWord(endpoint))"))

            """)
    }

    /// What the database stores: sealed when there is a key file. An unsealed text is given as it is; the database marks it.
    func stored(_ seal: EndpointSeal) throws -> String {
        guard seal.sealing != nil else { return secret.given }
        return try seal.sealed(secret.stored, .signingSecret)
    }

    /// nil without a key file.
    static func sealing(_ configuration: WorkerConfiguration) throws -> SecretSealing? {
        guard let path = configuration.secretKeyFile else { return nil }
        return try SecretSealing(keyFile: try SecretKeyFile.read(from: path).reveal())
    }
}
