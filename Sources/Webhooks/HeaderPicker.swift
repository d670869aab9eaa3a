import Formats

/// Picks the headers that decide out of all of a request.
enum HeaderPicker {
    /// The value of a header that has to be there once.
    static func one(
        _ name: String, of headers: [(name: String, value: String)]
    ) throws(WebhookVerificationError) -> String {
        let wanted = name.lowercased()
        var found: String?
        for (name, value) in headers where name.utf8.count == wanted.utf8.count && name.lowercased() == wanted {
            guard found == nil else {
                throw WebhookVerificationError(.repeatedHeader, "the header \(wanted) occurs more than once")
            }
            found = value
        }
        guard let found else { throw WebhookVerificationError(.missingHeader, "the header \(wanted) is missing") }
        return found
    }
}

/// The rules for the time that a request says it was signed at.
enum SignedTime {
    /// Reads whole seconds since 1970, and holds them against the clock.
    static func check(
        _ text: String, of header: String, tolerance: Duration, now: Int64
    ) throws(WebhookVerificationError) -> Int64 {
        let digits = text.utf8
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            digits.first != UInt8(ascii: "0"),
            let timestamp = Int64(text)
        else {
            throw WebhookVerificationError(
                .invalidTimestamp, "\(header) is not a whole number of seconds since 1970")
        }
        // Durations are 128 bits wide: no difference of two 64-bit numbers of seconds overflows.
        let age = Duration.seconds(now) - Duration.seconds(timestamp)
        guard age <= tolerance else { throw WebhookVerificationError(.tooOld, "\(header) is too old") }
        guard age >= .zero - tolerance else {
            throw WebhookVerificationError(.tooNew, "\(header) is too far in the future")
        }
        return timestamp
    }
}

/// What a request says in `Authorization` (RFC 9110 section 11.6.2).
struct AuthorizationField {
    enum Kind: String, Sendable {
        case bearer
        case basic
    }

    /// The token as it stands, or the decoded `USER:PASSWORD`.
    let credentials: [UInt8]

    init(
        _ headers: [(name: String, value: String)], kind: Kind
    ) throws(WebhookVerificationError) {
        let value = Array(try HeaderPicker.one("authorization", of: headers).utf8)
        let word = value.prefix { $0 != UInt8(ascii: " ") }
        let rest = value.dropFirst(word.count).drop { $0 == UInt8(ascii: " ") }
        guard String(decoding: word, as: UTF8.self).lowercased() == kind.rawValue, !rest.isEmpty,
            let credentials = kind == .basic ? Base64.decode(rest) : Array(rest)
        else {
            throw WebhookVerificationError(.wrongCredentials, "Authorization is not of the kind \(kind.rawValue)")
        }
        self.credentials = credentials
    }
}
