/// The URL of an endpoint, read once and strictly.
///
/// What is accepted is a subset of RFC 3986 on which all readers agree: an `http` or `https` URL without user name,
/// password and fragment, whose host is a name in letters, digits, hyphens and underscores, a plain dotted quad, or an
/// IPv6 address in brackets. Everything else is refused, so that no two libraries can see two different hosts in it.
package struct EndpointURL: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable {
        case http
        case https

        package var defaultPort: UInt16 {
            switch self {
            case .http: 80
            case .https: 443
            }
        }
    }

    package enum Host: Hashable, Sendable, CustomStringConvertible {
        /// A name in lower case, without a trailing dot. It is absolute: no search domain may be added to it.
        case name(String)
        case address(IPAddress)

        /// As it stands in a URL: an IPv6 address in brackets.
        package var description: String {
            switch self {
            case .name(let name): name
            case .address(let address): if case .v6 = address { "[\(address)]" } else { "\(address)" }
            }
        }
    }

    package let scheme: Scheme
    package let host: Host
    /// The port, 1 to 65535; the scheme's default when none was written.
    package let port: UInt16
    /// What is asked for: begins with `/`, the query included. The bytes as they were written.
    package let pathAndQuery: String

    package init(_ text: String) throws(EndpointURLError) {
        self = try EndpointURLParser(text).parse()
    }

    init(scheme: Scheme, host: Host, port: UInt16, pathAndQuery: String) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.pathAndQuery = pathAndQuery
    }

    /// Host and port as a `Host` header holds them: the port only when it is not the scheme's default.
    package var authority: String {
        port == scheme.defaultPort ? "\(host)" : "\(host):\(port)"
    }

    /// The one normalised text: scheme and host in lower case, no default port, addresses in canonical form, at least
    /// `/` as path. Reading it again gives an equal value.
    package var absoluteString: String {
        "\(scheme.rawValue)://\(authority)\(pathAndQuery)"
    }

    package var description: String { absoluteString }
}

/// Which rule for endpoint URLs a text breaks.
///
/// The message quotes the host, the digits of the port or the scheme where that helps, never what can hold a secret:
/// user name, password, path, query.
package struct EndpointURLError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, CaseIterable, Sendable {
        case empty
        /// More bytes than ``Limits/urlBytes``.
        case tooLong = "too_long"
        /// A space, control character or another character that RFC 3986 does not allow there.
        case forbiddenCharacter = "forbidden_character"
        /// A character beyond ASCII.
        case notASCII = "not_ascii"
        /// A backslash, which some readers take for a slash.
        case backslash
        /// Neither `http://` nor `https://`.
        case scheme
        /// A user name or password before the host.
        case userinfo
        case fragment
        case missingHost = "missing_host"
        /// A host that is neither a name nor an address.
        case host
        /// A host of numbers that is not a plain dotted quad.
        case numericHost = "numeric_host"
        /// What stands in brackets is no IPv6 address.
        case ipv6
        /// An IPv6 address with a zone.
        case zone
        /// A port that is not a number from 1 to 65535.
        case port
        /// A `%` that no two hexadecimal digits follow.
        case percentEncoding = "percent_encoding"
    }

    package let code: Code
    /// One line for a person.
    package let message: String

    package var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
