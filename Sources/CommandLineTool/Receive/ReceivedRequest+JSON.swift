import FoundationEssentials

extension ReceivedRequest {
    /// The documented JSON form, one object a request.
    struct JSON: Encodable {
        var time: String
        var method: String
        var path: String
        var status: Int
        /// Absent when no secret was given.
        var verified: Bool?
        /// Why the signature was refused, as one word and in words.
        var errorCode: String?
        var error: String?
        var headers: [String: String]
        var bodyBytes: Int
        var bodyTruncated: Bool
        var body: String

        enum CodingKeys: String, CodingKey {
            case time, method, path, status, verified
            case errorCode = "error_code"
            case error, headers
            case bodyBytes = "body_bytes"
            case bodyTruncated = "body_truncated"
            case body
        }
    }

    var json: JSON {
        var json = JSON(
            time: Date(timeIntervalSince1970: time).formatted(.iso8601), method: method, path: path, status: status,
            headers: headers, bodyBytes: body.count, bodyTruncated: body.count > Self.excerptLimit, body: excerpt)
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
}
