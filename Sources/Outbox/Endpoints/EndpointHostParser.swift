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
