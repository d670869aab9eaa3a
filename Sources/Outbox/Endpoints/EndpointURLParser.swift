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

/// Reads the host of an ``EndpointURL``: an IPv6 address in brackets, a plain dotted quad, or a name.
struct EndpointHostParser {
    private let host: ArraySlice<UInt8>

    init(_ host: ArraySlice<UInt8>) {
        self.host = host
    }

    /// RFC 1035 section 2.3.4.
    private static let longestName = 253
    private static let longestLabel = 63

    func parse() throws(EndpointURLError) -> EndpointURL.Host {
        guard !host.isEmpty else { throw EndpointURLError(.missingHost, "the URL has no host") }
        guard host.first != UInt8(ascii: "[") else { return try parseIPv6() }
        if let address = IPAddress(bytes: host) { return .address(address) }
        return try parseName()
    }

    private func parseIPv6() throws(EndpointURLError) -> EndpointURL.Host {
        let text = host.dropFirst().dropLast()
        guard !text.contains(UInt8(ascii: "%")) else {
            throw EndpointURLError(.zone, "the IPv6 address must not have a zone")
        }
        guard let address = IPAddress(bytes: text), case .v6 = address else {
            throw EndpointURLError(.ipv6, "\(Excerpt(host)) is not an IPv6 address in brackets")
        }
        return .address(address)
    }

    private func parseName() throws(EndpointURLError) -> EndpointURL.Host {
        let name = host.last == UInt8(ascii: ".") ? host.dropLast() : host
        let labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard name.count <= Self.longestName, labels.allSatisfy(isLabel), let last = labels.last?.first else {
            throw EndpointURLError(
                .host,
                "\(Excerpt(host)) is not a host name: labels of 1 to 63 letters, digits, - and _ joined by dots, "
                    + "\(Self.longestName) characters at most")
        }
        // A name whose last label begins with a digit is read as a number by one library or another: 127.1, 0x7f.1,
        // 2130706433. No top-level domain begins with a digit.
        guard last.isLetter else {
            throw EndpointURLError(
                .numericHost,
                "\(Excerpt(host)) is neither a host name nor an IPv4 address of four numbers from 0 to 255 without leading zeros"
            )
        }
        return .name(name.lowercasedText)
    }

    private func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        let hyphen = UInt8(ascii: "-")
        return (1...Self.longestLabel).contains(label.count) && label.first != hyphen && label.last != hyphen
            && label.allSatisfy { $0.isLetter || $0.isDigit || $0 == hyphen || $0 == UInt8(ascii: "_") }
    }
}
