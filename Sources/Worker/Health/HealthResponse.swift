/// An HTTP response of the health server. Every one of them closes its connection.
struct HealthResponse: Equatable, Sendable {
    var status: Status
    var contentType = "application/json"
    /// The methods that the path does answer to, for a 405.
    var allow: String?
    var body: String
    /// Whether the body is left out, as the answer to HEAD must.
    var isHeadOnly = false

    /// The status codes that the health server gives.
    enum Status: Int {
        case ok = 200
        case badRequest = 400
        case notFound = 404
        case methodNotAllowed = 405
        case requestTimeout = 408
        case headerFieldsTooLarge = 431
        case serviceUnavailable = 503

        fileprivate var phrase: String {
            switch self {
            case .ok: "OK"
            case .badRequest: "Bad Request"
            case .notFound: "Not Found"
            case .methodNotAllowed: "Method Not Allowed"
            case .requestTimeout: "Request Timeout"
            case .headerFieldsTooLarge: "Request Header Fields Too Large"
            case .serviceUnavailable: "Service Unavailable"
            }
        }
    }

    /// A JSON object with the one field `status`.
    static func status(_ status: Status, _ word: String) -> Self {
        Self(status: status, body: #"{"status":"\#(word)"}"# + "\n")
    }

    /// The bytes to send.
    var bytes: [UInt8] {
        var head = "HTTP/1.1 \(status.rawValue) \(status.phrase)\r\n"
        head += "Content-Type: \(contentType)\r\nContent-Length: \(body.utf8.count)\r\n"
        head += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n"
        if let allow {
            head += "Allow: \(allow)\r\n"
        }
        return Array((head + "\r\n").utf8) + (isHeadOnly ? [] : Array(body.utf8))
    }
}
