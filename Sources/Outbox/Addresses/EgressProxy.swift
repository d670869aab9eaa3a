/// The proxy that requests to endpoints go through. It may hold a password, so nothing prints more than where it is.
package struct EgressProxy: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    package enum Scheme: String, CaseIterable, Sendable {
        /// CONNECT over a plain connection.
        case http
        /// CONNECT over TLS.
        case https
        /// SOCKS 5, which resolves names itself.
        case socks5h

        fileprivate var defaultPort: UInt16 {
            switch self {
            case .http: 80
            case .https: 443
            case .socks5h: 1080
            }
        }
    }

    /// The longest user name and the longest password, in bytes: SOCKS 5 has no room for more.
    static let maximumCredentialBytes = 255

    package let scheme: Scheme
    package let host: EndpointURL.Host
    package let port: UInt16
    package let user: String?
    package let password: String?

    /// Nil for what is not `SCHEME://[USER[:PASSWORD]@]HOST[:PORT]`, user and password percent-encoded where they hold other
    /// characters.
    package init?(_ text: String) {
        guard let mark = text.firstRange(of: "://"), let scheme = Scheme(rawValue: String(text[..<mark.lowerBound]))
        else { return nil }
        var place = text[mark.upperBound...]
        if place.hasSuffix("/") { place.removeLast() }
        var credentials: (user: String?, password: String?) = (nil, nil)
        if let end = place.lastIndex(of: "@") {
            guard let read = Self.credentials(place[..<end]) else { return nil }
            credentials = read
            place = place[place.index(after: end)...]
        }
        // The rules for hosts and ports are those of endpoints, and a path is none here.
        guard !place.contains(where: { "/?#@".contains($0) }), let url = try? EndpointURL("http://\(place)/") else {
            return nil
        }
        self.scheme = scheme
        host = url.host
        let hasPort = place.last != "]" && place.split(separator: "]").last?.contains(":") == true
        port = hasPort ? url.port : scheme.defaultPort
        (user, password) = credentials
    }

    /// As it stands in a URL, without credentials.
    package var description: String { "\(scheme.rawValue)://\(host):\(port)" }

    /// Empty, so that `dump` shows nothing.
    package var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }

    private static func credentials(_ text: Substring) -> (user: String?, password: String?)? {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let user = decoded(parts[0]), !user.isEmpty else { return nil }
        guard parts.count > 1 else { return (user, "") }
        guard let password = decoded(parts[1]) else { return nil }
        return (user, password)
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst()?.hexValue, let low = rest.popFirst()?.hexValue else { return nil }
            bytes.append(high << 4 | low)
        }
        guard bytes.count <= maximumCredentialBytes, bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
