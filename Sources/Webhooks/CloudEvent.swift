import Formats

/// An event as CloudEvents 1.0 says it over HTTP: structured, all of it in the body, or binary, with the attributes in headers.
package struct CloudEvent: Sendable {
    /// The attribute `id`, which repeats on every attempt.
    package var id: String
    /// The attribute `type`.
    package var type: String
    /// The attribute `source`, a URI reference.
    package var source: String
    /// The attribute `time`.
    package var time: EventTime

    package init(id: String, type: String, source: String, time: EventTime) {
        self.id = id
        self.type = type
        self.source = source
        self.time = time
    }

    /// The media type of the structured form.
    package static let structuredContentType = "application/cloudevents+json; charset=UTF-8"

    /// The source of the events of a tenant, as a path.
    package static func source(ofTenant tenant: String) -> String {
        tenant.isEmpty ? "/postrider" : "/postrider/" + percentEncoded(tenant, isPlain: isUnreserved)
    }

    /// The structured form. A payload is put in verbatim.
    ///
    /// - Parameter contentType: nil when `data` is JSON; other data goes in as `data_base64`.
    package func structuredBody(data: [UInt8], contentType: String?) -> [UInt8] {
        var text = #"{"specversion":"1.0","id":""#
        append(id, to: &text)
        text += #"","type":""#
        append(type, to: &text)
        text += #"","source":""#
        append(source, to: &text)
        text += #"","time":"\#(time)","datacontenttype":""#
        append(contentType ?? "application/json", to: &text)
        text += contentType == nil ? #"","data":"# : #"","data_base64":""#
        var body = Array(text.utf8)
        if contentType != nil {
            data.withUnsafeBytes { Base64.append($0, to: &body) }
            body.append(UInt8(ascii: "\""))
        } else {
            body.append(contentsOf: data.isEmpty ? Array("null".utf8) : data)
        }
        body.append(UInt8(ascii: "}"))
        return body
    }

    /// The header fields of the binary form; the content type of the data is the request's own.
    package var binaryFields: [(name: String, value: String)] {
        [("ce-specversion", "1.0"), ("ce-id", id), ("ce-type", type), ("ce-source", source), ("ce-time", "\(time)")]
            .map { ($0.0, Self.headerValue($0.1)) }
    }

    /// The names of these fields.
    package static let binaryNames: Set<String> = ["ce-specversion", "ce-id", "ce-type", "ce-source", "ce-time"]

    /// What a header value holds as it is: U+0021 to U+007E without the quotation mark and the percent sign (HTTP protocol binding,
    /// section 3.1.3.2). Everything else is the percent-encoding of its UTF-8.
    private static func isPlainInHeader(_ byte: UInt8) -> Bool {
        (0x21...0x7e).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "%")
    }

    /// RFC 3986 section 2.3.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "-._~".utf8.contains(byte)
        }
    }

    static func percentEncoded(_ text: String, isPlain: (UInt8) -> Bool) -> String {
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            guard !isPlain(byte) else {
                encoded.append(byte)
                continue
            }
            encoded.append(UInt8(ascii: "%"))
            encoded.append(contentsOf: Hexadecimal.encode([byte]).uppercased().utf8)
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// The text of a header value of the binary form.
    static func headerValue(_ text: String) -> String { percentEncoded(text, isPlain: isPlainInHeader) }

    private func append(_ text: String, to json: inout String) {
        for scalar in text.unicodeScalars { JSONString.append(scalar, to: &json) }
    }
}
