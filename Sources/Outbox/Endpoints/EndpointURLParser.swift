/// The steps of reading an ``EndpointURL``, on bytes: characters first, then scheme, authority, host, port and path, so
/// that each step can rely on those before it.
struct EndpointURLParser {
    private let bytes: [UInt8]

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    func parse() throws(EndpointURLError) -> EndpointURL {
        try checkCharacters()
        let (scheme, afterScheme) = try parseScheme()
        let rest = bytes[afterScheme...]
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        let (hostPart, portPart) = try splitAuthority(rest[..<end])
        let host = try EndpointHostParser(hostPart).parse()
        let port = try portPart.map(parsePort) ?? scheme.defaultPort
        return EndpointURL(scheme: scheme, host: host, port: port, pathAndQuery: try parsePath(rest[end...]))
    }

    private func checkCharacters() throws(EndpointURLError) {
        guard !bytes.isEmpty else { throw EndpointURLError(.empty, "the URL is empty") }
        guard bytes.count <= Limits.urlBytes else {
            throw EndpointURLError(
                .tooLong, "the URL has \(bytes.count) bytes, which is more than the \(Limits.urlBytes) allowed")
        }
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case 0x80...:
                throw EndpointURLError(
                    .notASCII,
                    "the URL holds a character beyond ASCII at byte \(index + 1); write the host in punycode (xn--…) and "
                        + "percent-encode the rest")
            case ...0x20, 0x7f:
                throw EndpointURLError(
                    .forbiddenCharacter, "the URL holds a space or control character at byte \(index + 1)")
            case UInt8(ascii: "\\"):
                throw EndpointURLError(.backslash, "the URL holds a backslash at byte \(index + 1)")
            case UInt8(ascii: "#"):
                throw EndpointURLError(.fragment, "the URL must not have a #fragment: it is never sent")
            default:
                continue
            }
        }
    }

    private func parseScheme() throws(EndpointURLError) -> (EndpointURL.Scheme, Int) {
        let word = bytes.prefix { $0.isLetter || $0.isDigit || "+-.".utf8.contains($0) }
        guard bytes[word.endIndex...].starts(with: "://".utf8) else {
            throw EndpointURLError(.scheme, "the URL must begin with https://")
        }
        guard let scheme = EndpointURL.Scheme(rawValue: word.lowercasedText) else {
            throw EndpointURLError(
                .scheme, "the URL must begin with https://, not with \(Excerpt(word + Array("://".utf8)))")
        }
        return (scheme, word.endIndex + 3)
    }

    private func splitAuthority(
        _ authority: ArraySlice<UInt8>
    ) throws(EndpointURLError) -> (host: ArraySlice<UInt8>, port: ArraySlice<UInt8>?) {
        guard !authority.contains(UInt8(ascii: "@")) else {
            throw EndpointURLError(
                .userinfo, "the URL must not hold a user name or password before an @; use a header for credentials")
        }
        let colon: Int?
        if authority.first == UInt8(ascii: "[") {
            guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else {
                throw EndpointURLError(.ipv6, "the bracket that opens an IPv6 address is never closed")
            }
            colon = close + 1 == authority.endIndex ? nil : close + 1
            if let colon, authority[colon] != UInt8(ascii: ":") {
                throw EndpointURLError(.host, "only a port may follow the IPv6 address in brackets")
            }
        } else {
            colon = authority.firstIndex(of: UInt8(ascii: ":"))
        }
        guard let colon else { return (authority, nil) }
        return (authority[..<colon], authority[(colon + 1)...])
    }

    private func parsePort(_ digits: ArraySlice<UInt8>) throws(EndpointURLError) -> UInt16 {
        guard let number = DecimalNumber.parseCanonical(digits, maximumDigits: 5), let port = UInt16(exactly: number),
            port > 0
        else {
            // What stands here can be the first half of `user:password`, so only digits are repeated.
            let shown = !digits.isEmpty && digits.allSatisfy(\.isDigit) ? " \(Excerpt(digits))" : ""
            throw EndpointURLError(.port, "the port\(shown) is not a number from 1 to 65535")
        }
        return port
    }

    private func parsePath(_ path: ArraySlice<UInt8>) throws(EndpointURLError) -> String {
        var index = path.startIndex
        while index < path.endIndex {
            let byte = path[index]
            if byte == UInt8(ascii: "%") {
                guard path[(index + 1)...].prefix(2).count(where: { $0.hexValue != nil }) == 2 else {
                    throw EndpointURLError(
                        .percentEncoding,
                        "the % at byte \(index + 1) of the URL is not followed by two hexadecimal digits")
                }
            } else if !(byte.isLetter || byte.isDigit || Self.pathPunctuation.contains(byte)) {
                let character = Excerpt(CollectionOfOne(byte))
                throw EndpointURLError(
                    .forbiddenCharacter,
                    "the character \(character) at byte \(index + 1) of the URL has to be percent-encoded")
            }
            index += 1
        }
        let text = String(decoding: path, as: UTF8.self)
        return path.first == UInt8(ascii: "/") ? text : "/" + text
    }

    /// RFC 3986: the rest of `unreserved`, `sub-delims`, `:`, `@`, and the separators of path and query.
    private static let pathPunctuation = Set("-._~!$&'()*+,;=:@/?".utf8)
}
