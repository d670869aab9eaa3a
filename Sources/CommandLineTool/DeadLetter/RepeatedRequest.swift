import FoundationEssentials
import Outbox
import OutboxStore
import Postgres
import Settings
import Telemetry
import Webhooks
import Worker

/// A request as a worker would send it now, so that an operator can send it by hand. It holds no secret: receivers see
/// signatures too.
struct RepeatedRequest: Encodable, Sendable {
    struct Header: Encodable, Sendable {
        let name: String
        let value: String
        /// Whether the value may be a credential and was left out.
        var redacted: Bool?
    }

    let url: String
    let method: String
    let headers: [Header]
    let bodyBase64: String
    /// Whether it has a signature, which is valid for five minutes.
    let signed: Bool

    private enum CodingKeys: CodingKey {
        case url, method, headers, bodyBase64, signed
    }

    private let body: [UInt8]

    /// Bodies up to this are printed with the command; longer ones would fill the screen.
    static let printedBytes = 8192

    /// - Parameters:
    ///   - made: the body, where a transform made it.
    ///   - attempt: which attempt is repeated.
    ///   - now: seconds since 1970, for the timestamp that is signed.
    ///   - revealing: whether the values of the endpoint's own headers are shown; they may be credentials.
    init(
        _ event: EventRecord, to endpoint: EndpointRecord, made: MadeBody? = nil, attempt: Int32, now: Double,
        sealing: SecretSealing?, revealing: Bool
    ) throws {
        let timestamp = Int64(exactly: now.rounded(.down)) ?? 0
        let isJSON = event.content.payload != nil
        let recipe = try EndpointJudge.recipe(endpoint)
        let kind =
            made?.contentType
            ?? (isJSON ? "application/json" : event.content.contentType ?? "application/octet-stream")
        body =
            try made.map { Array($0.body.utf8) }
            ?? recipe.body(
                EventContent(
                    id: event.webhookID, type: event.eventType, createdAt: event.createdAt,
                    bytes: event.content.payload ?? event.content.body ?? [], bodyContentType: isJSON ? nil : kind))
        let head = WebhookHead(
            contentType: recipe.contentType ?? kind, id: event.webhookID, eventType: event.eventType, attempt: attempt,
            traceparent: event.traceparent)
        let own = try HeaderFields(endpoint.headers.map { try HeaderField($0) })
        let extra = try HeaderFields(
            event.headerValues.sorted { $0.key < $1.key }.map { try HeaderField(name: $0.key, value: $0.value) })
        let proof = try EndpointSecrets(of: endpoint, sealing).proof()
        let cloudEvent = recipe.cloudEvent(id: event.webhookID, type: event.eventType, createdAt: event.createdAt)
        var headers: [Header] = []
        try body.withUnsafeBytes { bytes in
            // A token of OAuth 2 is not fetched for this: it stands as a credential that is left out.
            try proof.append(
                head, cloudEvent, token: proof.client.map { _ in "…" }, at: timestamp, body: bytes, own: own,
                event: extra
            ) { origin, name, value in
                let isCredential = origin == .credentials && (!revealing || proof.client != nil)
                let isHidden = isCredential || origin == .endpoint && !revealing
                headers.append(Header(name: name, value: isHidden ? "…" : value, redacted: isHidden ? true : nil))
            }
        }
        self.headers = headers
        url = endpoint.url
        method = endpoint.method
        bodyBase64 = Data(body).base64EncodedString()
        signed = true
    }

    /// The lines of a command for a POSIX shell that sends exactly these bytes; nil when the body is too long to print.
    var command: [String]? {
        guard body.count <= Self.printedBytes else { return nil }
        let text = String(decoding: body, as: UTF8.self)
        // Text that a terminal shows unchanged can be quoted. Other bytes would change when a person copies them.
        let isPlain = Array(text.utf8) == body && PrintableText(text).description == text
        let source = isPlain ? "printf %s \(ShellWord(text))" : "printf %s \(bodyBase64) | base64 -d"
        let request = method == "POST" ? "" : "--request \(ShellWord(method)) "
        let options = headers.map { "--header \(ShellWord("\($0.name): \($0.value)"))" }
        return ["\(source) |", "curl --include \(request)--data-binary @- \\"] + options.map { "  \($0) \\" }
            + ["  \(ShellWord(url))"]
    }

    var bodyBytes: Int { body.count }
    /// The names of headers whose values were left out.
    var redacted: [String] { headers.filter { $0.redacted == true }.map(\.name) }
}
