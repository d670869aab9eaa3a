import Formats

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
        var body: [UInt8] = []
        body.reserveCapacity(fixedLength + EventTime.textLength + type.utf8.count + max(payload.count, 4))
        body.append(contentsOf: #"{"type":""#.utf8)
        append(type, to: &body)
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

    /// An event type needs no escaping. A row that another writer put in must still not break the JSON.
    private static func append(_ type: String, to body: inout [UInt8]) {
        guard type.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else {
            body.append(contentsOf: type.utf8)
            return
        }
        var escaped = ""
        for scalar in type.unicodeScalars { JSONString.append(scalar, to: &escaped) }
        body.append(contentsOf: escaped.utf8)
    }
}
