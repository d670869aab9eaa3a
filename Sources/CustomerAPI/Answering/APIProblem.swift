import Formats

/// Why a request of a customer is not done, as a problem document of RFC 9457.
package struct APIProblem: Error, Hashable, Sendable {
    /// A closed set: the words stand in answers, logs and metrics.
    package enum Code: String, CaseIterable, Sendable {
        case invalidJSON = "invalid_json"
        case invalidRequest = "invalid_request"
        case unauthorized
        case readOnly = "read_only"
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case incompleteBody = "incomplete_body"
        case conflict
        case preconditionFailed = "precondition_failed"
        case bodyTooLarge = "body_too_large"
        case unsupportedMediaType = "unsupported_media_type"
        /// A member breaks a rule; `field` names it.
        case invalid
        case keyReused = "idempotency_key_reused"
        case rateLimited = "rate_limited"
        case internalError = "internal_error"
        case unavailable
    }

    package static let contentType = "application/problem+json"

    package let code: Code
    /// One line for a person, never with a secret.
    package let detail: String
    /// Which member of the body, or which parameter.
    package var field: String?
    /// For how long a 429 or 503 asks, in seconds.
    package var retryAfter: Int?
    /// What a 405 allows.
    package var allowed: [String] = []

    package init(_ code: Code, _ detail: String, field: String? = nil, retryAfter: Int? = nil) {
        self.code = code
        self.detail = detail
        self.field = field
        self.retryAfter = retryAfter
    }

    /// How much of a name that nothing here knows is said back, in bytes of UTF-8.
    private static let longestUnknown = 64

    /// A member or parameter that nothing here knows, such as a name that was mistyped.
    static func unknown(_ code: Code, _ name: String, among known: Set<String>) -> APIProblem {
        let field = String(decoding: name.utf8.prefix(longestUnknown), as: UTF8.self)
        return APIProblem(
            code, "this name is unknown; there are \(known.sorted().joined(separator: ", "))", field: field)
    }

    package var status: Int { code.status.number }

    package var json: String {
        var text = #"{"status":\#(status),"title":\#(Self.quoted(code.status.title)),"code":"\#(code.rawValue)""#
        text += #","detail":\#(Self.quoted(detail))"#
        if let field { text += #","field":\#(Self.quoted(field))"# }
        return text + "}\n"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars { JSONString.append(scalar, to: &quoted) }
        return quoted + "\""
    }
}

extension APIProblem.Code {
    /// The status of the answer with its title in RFC 9110.
    package var status: (number: Int, title: String) {
        switch self {
        case .invalidJSON, .invalidRequest: (400, "Bad Request")
        case .unauthorized: (401, "Unauthorized")
        case .readOnly: (403, "Forbidden")
        case .notFound: (404, "Not Found")
        case .methodNotAllowed: (405, "Method Not Allowed")
        case .incompleteBody: (408, "Request Timeout")
        case .conflict: (409, "Conflict")
        case .preconditionFailed: (412, "Precondition Failed")
        case .bodyTooLarge: (413, "Content Too Large")
        case .unsupportedMediaType: (415, "Unsupported Media Type")
        case .invalid, .keyReused: (422, "Unprocessable Content")
        case .rateLimited: (429, "Too Many Requests")
        case .internalError: (500, "Internal Server Error")
        case .unavailable: (503, "Service Unavailable")
        }
    }
}
