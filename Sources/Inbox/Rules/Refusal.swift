package import Webhooks

/// Why a request is not stored. A closed set: the words stand in answers, logs and metrics.
package enum Refusal: String, Error, CaseIterable, Sendable {
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    /// No source has this name.
    case unknownSource = "unknown_source"
    /// The sender's address is in none of the networks that may send.
    case network
    /// More requests than the source may get.
    case rateLimited = "rate_limited"
    case bodyTooLarge = "body_too_large"
    /// The body came compressed.
    case contentEncoding = "content_encoding"
    /// The body did not come within its time, or not to its end.
    case incompleteBody = "incomplete_body"
    case missingHeader = "missing_header"
    case repeatedHeader = "repeated_header"
    case invalidID = "invalid_id"
    case invalidTimestamp = "invalid_timestamp"
    case tooOld = "too_old"
    case tooNew = "too_new"
    case tooManySignatures = "too_many_signatures"
    case noMatchingSignature = "no_matching_signature"
    case wrongCredentials = "wrong_credentials"
    case invalidToken = "invalid_token"
    /// A path of the source leads into the body, which is no JSON.
    case notJSON = "not_json"
    /// The JSON is nested too deeply to be looked into.
    case tooDeep = "too_deep"
    /// There is no id where the source says that it stands.
    case idMissing = "id_missing"
    /// A value is longer than it may be, or holds a zero byte.
    case invalidValue = "invalid_value"
    /// The source cannot be used: a secret cannot be opened, or one of its settings breaks a rule.
    case sourceUnusable = "source_unusable"
    /// Too many requests wait to be stored.
    case queueFull = "queue_full"
    /// The database did not store it in time.
    case databaseUnavailable = "database_unavailable"

    /// The status of the answer.
    package var status: Int {
        switch self {
        case .notFound, .unknownSource: 404
        case .methodNotAllowed: 405
        case .network: 403
        case .rateLimited: 429
        case .bodyTooLarge: 413
        case .incompleteBody: 408
        case .contentEncoding, .notJSON, .tooDeep, .idMissing, .invalidValue: 415
        case .missingHeader, .repeatedHeader, .invalidID, .invalidTimestamp, .tooOld, .tooNew, .tooManySignatures,
            .noMatchingSignature, .wrongCredentials, .invalidToken:
            401
        case .sourceUnusable, .queueFull, .databaseUnavailable: 503
        }
    }

    package init(_ code: WebhookVerificationError.Code) {
        self =
            switch code {
            case .missingHeader: .missingHeader
            case .repeatedHeader: .repeatedHeader
            case .invalidID: .invalidID
            case .invalidTimestamp: .invalidTimestamp
            case .tooOld: .tooOld
            case .tooNew: .tooNew
            case .tooManySignatures: .tooManySignatures
            case .noMatchingSignature: .noMatchingSignature
            case .wrongCredentials: .wrongCredentials
            case .invalidToken: .invalidToken
            }
    }
}
