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
    let headers: [Header]
    let bodyBase64: String
    /// Whether it has a signature, which is valid for five minutes.
    let signed: Bool

    private enum CodingKeys: CodingKey {
        case url, headers, bodyBase64, signed
    }

    private let body: [UInt8]

    /// Bodies up to this are printed with the command; longer ones would fill the screen.
    static let printedBytes = 8192

    /// - Parameters:
    ///   - attempt: which attempt is repeated.
    ///   - now: seconds since 1970, for the timestamp that is signed.
    ///   - revealing: whether the values of the endpoint's own headers are shown; they may be credentials.
    init(
        _ event: EventRecord, to endpoint: EndpointRecord, attempt: Int32, now: Double, sealing: SecretSealing?,
        revealing: Bool
    ) throws {
        let timestamp = Int64(exactly: now.rounded(.down)) ?? 0
        let isJSON = event.content.payload != nil
        body = try EndpointJudge.format(endpoint).applied(toJSON: isJSON).body(
            type: event.eventType, createdAt: event.createdAt,
            content: event.content.payload ?? event.content.body ?? [])
        let kind = isJSON ? "application/json" : event.content.contentType ?? "application/octet-stream"
        let head = WebhookHead(
            contentType: kind, id: event.webhookID, eventType: event.eventType, attempt: attempt,
            traceparent: event.traceparent)
        let signer = try EndpointJudge.signer(endpoint, sealing).signer
        var headers: [Header] = []
        try body.withUnsafeBytes { bytes in
            try head.append(signedBy: signer, at: timestamp, body: bytes) { name, value in
                headers.append(Header(name: name, value: value))
            }
        }
        let own = try HeaderFields(endpoint.headers.map { try HeaderField($0) })
        let extra = try HeaderFields(
            event.headerValues.sorted { $0.key < $1.key }.map { try HeaderField(name: $0.key, value: $0.value) })
        let fromEvent = Set(extra.fields.map { $0.name.lowercased() })
        headers += own.overridden(by: extra).map { field in
            let isHidden = !revealing && !fromEvent.contains(field.name.lowercased())
            return Header(name: field.name, value: isHidden ? "…" : field.value, redacted: isHidden ? true : nil)
        }
        self.headers = headers
        url = endpoint.url
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
        let options = headers.map { "--header \(ShellWord("\($0.name): \($0.value)"))" }
        return ["\(source) |", "curl --include --data-binary @- \\"] + options.map { "  \($0) \\" }
            + ["  \(ShellWord(url))"]
    }

    var bodyBytes: Int { body.count }
    /// The names of headers whose values were left out.
    var redacted: [String] { headers.filter { $0.redacted == true }.map(\.name) }
}
