import ArgumentParser
import Outbox
import OutboxStore
import Settings
import Worker

/// How requests are signed, authorized and sent: options that `endpoint add` and `endpoint update` share.
struct SendingOptions: ParsableArguments {
    @Option(
        name: .customLong("signature"),
        help: ArgumentHelp(
            """
            How requests are signed: v1 (the default), v1a, github, stripe, shopify, slack, svix, or \
            hmac:HEADER,ALGORITHM,ENCODING[,PREFIX[,CONTENT]]; repeat the option for several at once.
            """, valueName: "scheme"))
    var signatures: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            The Authorization header: bearer:TOKEN, basic:USER:PASSWORD, jwt, \
            oauth2:TOKEN_URL,CLIENT_ID,CLIENT_SECRET[,SCOPE] or none; - reads it from standard input.
            """, valueName: "kind"))
    var auth: String?

    @Option(
        help: ArgumentHelp("A PEM file with the certificate that shows who we are, and its chain.", valueName: "file"),
        completion: .file())
    var clientCertificate: String?

    @Option(help: ArgumentHelp("A PEM file with the key of that certificate.", valueName: "file"), completion: .file())
    var clientKey: String?

    @Option(
        help: ArgumentHelp("A PEM file with the only authorities to trust for this endpoint.", valueName: "file"),
        completion: .file())
    var ca: String?

    @Option(
        help: ArgumentHelp("The method: POST (the default), PUT or PATCH.", valueName: "method"),
        completion: .list(RequestMethod.allCases.map(\.rawValue)))
    var method: String?

    @Option(
        help: ArgumentHelp(
            "What slack, discord and teams say: 'Order {order_id} paid'; by default the event's type.",
            valueName: "text"))
    var text: String?

    /// Whether no option was given.
    var isEmpty: Bool {
        signatures.isEmpty && auth == nil && clientCertificate == nil && clientKey == nil && ca == nil && method == nil
            && text == nil
    }

    /// The schemes that were asked for; nil when none was.
    func schemes() throws -> SignatureSchemes? {
        signatures.isEmpty ? nil : try SignatureSchemes(signatures)
    }

    /// Writes into settings what is no secret, each checked.
    func applyPlain(to settings: inout EndpointSettings) throws {
        if try schemes() != nil { settings.signature = signatures }
        settings.method = try method.map { try RequestMethod(word: $0).rawValue }
        if let text {
            _ = try TextTemplate(text)
            settings.text = text
        }
    }

    /// Writes credentials and certificates into settings, each checked, secrets sealed.
    func apply(
        to settings: inout EndpointSettings, _ seal: EndpointSeal, policy: EndpointPolicy, in context: CommandContext
    ) throws {
        if let auth { settings.auth = try stored(auth, seal, policy, in: context) }
        if let clientCertificate {
            let file = try Self.read(clientCertificate, "--client-certificate")
            settings.clientCertificate = try PEMText(certificates: file, count: PEMText.clientCertificates).text
        }
        if let clientKey {
            let key = try PEMText(privateKey: try Self.read(clientKey, "--client-key")).text
            settings.clientKey = try seal.sealed(key, .clientKey)
        }
        if let ca {
            settings.ca = try PEMText(certificates: try Self.read(ca, "--ca"), count: PEMText.authorities).text
        }
    }

    private func stored(
        _ auth: String, _ seal: EndpointSeal, _ policy: EndpointPolicy, in context: CommandContext
    ) throws -> String {
        var text = auth
        if auth == "-" {
            let input = String(
                decoding: try context.input(limit: 2 * EndpointAuthorization.maximumBytes), as: UTF8.self)
            text = String(input.prefix { !$0.isNewline })
        }
        let authorization = try EndpointAuthorization(text)
        if case .oauth2(let client) = authorization { _ = try policy.endpointURL(client.tokenURL) }
        let (kind, credentials) = EndpointAuthorization.split(text)
        return try credentials.map { "\(kind):\(try seal.sealed($0, .authorization))" } ?? kind
    }

    private static func read(_ path: String, _ option: String) throws -> String {
        do {
            return String(decoding: try BoundedFile(path: path, limit: PEMText.maximumBytes).bytes, as: UTF8.self)
        } catch {
            throw CommandError(.badData, "\(option) names a file that \(error.reason)")
        }
    }
}
