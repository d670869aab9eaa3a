import FoundationEssentials
import OutboxStore

/// What an event carries, as JSON. A payload is a text that holds its own bytes: read into a JSON value it could come back
/// changed.
struct ContentReport: Encodable {
    let payload: String?
    let bodyBase64: String?
    let contentType: String?

    init(_ content: EventContent) {
        payload = content.payload.map { String(decoding: $0, as: UTF8.self) }
        bodyBase64 = content.body.map { Data($0).base64EncodedString() }
        contentType = content.contentType
    }
}

extension EventContent {
    /// The most characters that are shown of it.
    private static let shown = 2000

    /// As lines for people.
    var fields: [(name: String, value: String?)] {
        [
            ("Payload", payload.map { Self.excerpt($0) }),
            ("Body", body.map { "\($0.count) bytes: \(Self.excerpt($0))" }),
            ("Content type", contentType),
        ]
    }

    private static func excerpt(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes.prefix(4 * shown), as: UTF8.self)
        return text.count > shown || bytes.count > 4 * shown ? text.prefix(shown) + "…" : text
    }
}
