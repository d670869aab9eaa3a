import FoundationEssentials
import Telemetry

/// A request that the receiver got, and what it found out about it.
struct ReceivedRequest: Sendable {
    enum Verification: Equatable, Sendable {
        /// No secret was given to verify with.
        case unchecked
        case verified
        /// The signature is not valid.
        case refused(code: String, message: String)
    }

    /// When it arrived, in seconds since 1970.
    var time: Double
    var method: String
    var path: String
    /// The header fields, names in lower case.
    var headers: [String: String]
    var body: [UInt8]
    var verification: Verification
    /// The status code of the answer when it is not the one that the request deserves.
    var answeredStatus: Int?

    /// The status code of the answer.
    var status: Int { answeredStatus ?? deservedStatus }

    /// The status code for a request of this method with this signature.
    var deservedStatus: Int {
        guard method == "POST" else { return 405 }
        if case .refused = verification { return 401 }
        return 200
    }

    /// How many bytes of a body are printed.
    private static let excerptLimit = 2000

    /// The beginning of the body as text; bytes that are not UTF-8 become replacement characters.
    var excerpt: String {
        String(decoding: body.prefix(Self.excerptLimit), as: UTF8.self)
    }

    /// The schemes that it seems to be signed in.
    private var schemes: [String] { SignatureTraces.schemes(in: headers) }
    private var isCut: Bool { body.count > Self.excerptLimit }
    private var date: Date { Date(timeIntervalSince1970: time) }
}

extension ReceivedRequest {
    /// The documented JSON form, one object a request.
    struct JSON: Encodable {
        var time: String
        var method: String
        var path: String
        var status: Int
        /// In which it seems to be signed, as `source add --scheme` names them.
        var schemes: [String]
        /// Absent when no secret was given.
        var verified: Bool?
        /// Why the signature was refused, as one word and in words.
        var errorCode: String?
        var error: String?
        var headers: [String: String]
        var bodyBytes: Int
        var bodyTruncated: Bool
        var body: String
    }

    var json: JSON {
        var json = JSON(
            time: date.formatted(.iso8601), method: method, path: path, status: status,
            schemes: schemes, headers: headers, bodyBytes: body.count, bodyTruncated: isCut, body: excerpt)
        switch verification {
        case .unchecked: break
        case .verified: json.verified = true
        case .refused(let code, let message):
            json.verified = false
            json.errorCode = code
            json.error = message
        }
        return json
    }

    /// The request in a line for people, and the beginning of its body in a second one.
    var text: String {
        // The time of day in UTC.
        let clock = date.formatted(Date.ISO8601FormatStyle().time(includingFractionalSeconds: false))
        var words = [clock, "\(status)", PrintableText("\(method) \(path)", limit: 200).description]
        for (name, label) in [("webhook-id", ""), ("webhook-event-type", ""), ("webhook-attempt", "attempt ")] {
            if let value = headers[name] {
                words.append(label + PrintableText(value, limit: 200).description)
            }
        }
        words.append("scheme " + (schemes.isEmpty ? "none" : schemes.joined(separator: ", ")))
        switch verification {
        case .unchecked: words.append("not verified (no --secret)")
        case .verified: words.append("signature verified")
        case .refused(_, let message): words.append("REFUSED: " + PrintableText(message, limit: 200).description)
        }
        words.append("\(body.count) bytes")
        return words.joined(separator: "  ") + "\n    " + PrintableText(excerpt).description + (isCut ? "…" : "")
    }
}
