/// The JSON body that Standard Webhooks 1.0.0 recommends: `{"type":…,"timestamp":…,"data":…}`, minified.
///
/// The bytes depend on the event alone, so that they are the same on every attempt.
public enum Envelope {
    /// The body of an event.
    ///
    /// - Parameters:
    ///   - type: the event type.
    ///   - time: when the event happened, not when it is sent.
    ///   - payload: JSON. It is put in verbatim: not a byte is changed, checked or reordered. An empty payload becomes
    ///     `null`.
    public static func body(type: String, time: EventTime, payload: [UInt8]) -> [UInt8] {
        let type = Array(type.utf8)
        var body: [UInt8] = []
        body.reserveCapacity(fixedLength + EventTime.textLength + type.count + max(payload.count, 4))
        body.append(contentsOf: #"{"type":""#.utf8)
        appendEscaped(type, to: &body)
        body.append(contentsOf: #"","timestamp":""#.utf8)
        time.append(to: &body)
        body.append(contentsOf: #"","data":"#.utf8)
        if payload.isEmpty {
            body.append(contentsOf: "null".utf8)
        } else {
            body.append(contentsOf: payload)
        }
        body.append(UInt8(ascii: "}"))
        return body
    }

    /// What stands around type, time and payload.
    private static let fixedLength = #"{"type":"","timestamp":"","data":}"#.utf8.count

    /// RFC 8259 section 7. An event type needs none of it; another writer's row must still not break the JSON.
    private static func appendEscaped(_ text: [UInt8], to body: inout [UInt8]) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                body.append(UInt8(ascii: "\\"))
                body.append(byte)
            case ..<0x20:
                body.append(contentsOf: (byte < 16 ? "\\u000" : "\\u00").utf8)
                body.append(contentsOf: String(byte, radix: 16).utf8)
            default:
                body.append(byte)
            }
        }
    }
}
