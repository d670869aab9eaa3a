/// What the `Authorization` header of an endpoint is made of. It holds credentials, so nothing prints it.
package enum EndpointAuthorization: Hashable, Sendable {
    case none
    case bearer(String)
    case basic(user: String, password: String)
    /// A token that vouches for the request, signed with the endpoint's own secret.
    case jwt
    case oauth2(OAuth2Client)

    /// The longest credentials, in bytes.
    package static let maximumBytes = 4_000

    private static let forms =
        "bearer:TOKEN, basic:USER:PASSWORD, jwt, oauth2:TOKEN_URL,CLIENT_ID,CLIENT_SECRET[,SCOPE] or none"

    /// Reads the value of `--auth`, in which nothing is sealed.
    package init(_ text: String) throws(InvalidText) {
        let (kind, credentials) = Self.split(text)
        switch (kind, credentials) {
        case ("none", nil): self = .none
        case ("jwt", nil): self = .jwt
        case (_, let credentials?) where Self.kindsWithCredentials.contains(kind):
            guard !credentials.utf8.starts(with: "sealed:".utf8) else {
                throw Self.invalid("what follows \(kind): must not begin with sealed:")
            }
            guard credentials.utf8.count <= Self.maximumBytes else {
                throw Self.invalid("the credentials are longer than the \(Self.maximumBytes) bytes allowed")
            }
            self = try Self.read(kind, credentials)
        default: throw Self.invalid("it is written like \(Self.forms)")
        }
    }

    /// The kind, and what follows it: nil without a colon.
    package static func split(_ text: String) -> (kind: String, credentials: String?) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return (text, nil) }
        return (String(text[..<colon]), String(text[text.utf8.index(after: colon)...]))
    }

    /// The word by which it is shown.
    package var kind: String {
        switch self {
        case .none: "none"
        case .bearer: "bearer"
        case .basic: "basic"
        case .jwt: "jwt"
        case .oauth2: "oauth2"
        }
    }

    private static let kindsWithCredentials = ["bearer", "basic", "oauth2"]

    private static func read(_ kind: String, _ credentials: String) throws(InvalidText) -> EndpointAuthorization {
        switch kind {
        case "bearer":
            guard !credentials.isEmpty, credentials.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw invalid("a bearer token is of visible ASCII characters")
            }
            return .bearer(credentials)
        case "basic":
            let (user, password) = split(credentials)
            guard let password, !user.isEmpty, credentials.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
                throw invalid("basic needs a user, a colon and a password, without control characters")
            }
            return .basic(user: user, password: password)
        default:
            return .oauth2(try OAuth2Client(credentials))
        }
    }

    static func invalid(_ rule: String) -> InvalidText { InvalidText(.authorization, "--auth: \(rule)") }
}

extension EndpointAuthorization: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { kind }

    package var debugDescription: String { kind }

    /// The kind alone, so that `dump` shows no credentials.
    package var customMirror: Mirror { Mirror(self, children: ["kind": kind]) }
}

/// Who asks a token server for a token, by the grant of client credentials (RFC 6749 section 4.4).
package struct OAuth2Client: Hashable, Sendable {
    package let tokenURL: String
    package let id: String
    package let secret: String
    /// Scopes separated by spaces.
    package let scope: String?

    /// Reads `TOKEN_URL,CLIENT_ID,CLIENT_SECRET[,SCOPE]`.
    init(_ text: String) throws(InvalidText) {
        let parts = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard (3...4).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }),
            parts[1...].allSatisfy({ $0.utf8.allSatisfy { (0x20...0x7e).contains($0) } }),
            parts.count < 4 || Self.isScope(parts[3])
        else {
            throw EndpointAuthorization.invalid(
                "oauth2 needs a token URL, a client id, a client secret and perhaps scopes, without commas in them")
        }
        do {
            _ = try EndpointURL(parts[0])
        } catch {
            throw EndpointAuthorization.invalid("the token URL: \(error)")
        }
        tokenURL = parts[0]
        id = parts[1]
        secret = parts[2]
        scope = parts.count > 3 ? parts[3] : nil
    }

    /// RFC 6749 section 3.3.
    private static func isScope(_ text: String) -> Bool {
        text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).allSatisfy { token in
            !token.isEmpty && token.allSatisfy { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        }
    }
}

extension OAuth2Client: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "a client of OAuth 2" }

    package var debugDescription: String { description }

    /// Empty, so that `dump` shows nothing.
    package var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
