package import Outbox

/// Who sent a request that may have come through proxies.
package enum ForwardedAddresses {
    /// The most entries that are looked at. No chain of proxies is so long.
    package static let mostEntries = 32

    /// The address that the request came from, as far as it can be believed: of the addresses that the proxies wrote down and
    /// the peer's own, the last one that is not itself a trusted proxy.
    ///
    /// - Parameters:
    ///   - peer: the other end of the connection.
    ///   - headers: of the request. Only `X-Forwarded-For` and `Forwarded` (RFC 7239) count, and only from a trusted peer.
    ///   - trusted: the networks of the proxies.
    /// - Returns: nil when it cannot be known: what the proxy wrote is not an address, or both headers are there and disagree,
    ///   so that one of them is the sender's own.
    package static func sender(
        peer: IPAddress, headers: [(name: String, value: String)], trusted: [Network]
    ) -> IPAddress? {
        let peer = peer.unmapped
        func isTrusted(_ address: IPAddress) -> Bool { trusted.contains { $0.contains(address) } }
        guard isTrusted(peer) else { return peer }
        let simple = headers.filter { $0.name.lowercased() == "x-forwarded-for" }.map(\.value)
        let standard = headers.filter { $0.name.lowercased() == "forwarded" }.map(\.value)
        func last(_ entries: [String]) -> IPAddress? {
            var sender = peer
            for entry in entries.suffix(mostEntries).reversed() {
                guard let address = node(entry) else { return nil }
                sender = address.unmapped
                if !isTrusted(sender) { break }
            }
            return sender
        }
        let fromSimple = last(list(simple, ","))
        let fromStandard = last(list(standard, ",").map(forParameter))
        if simple.isEmpty { return fromStandard }
        if standard.isEmpty { return fromSimple }
        return fromSimple == fromStandard ? fromSimple : nil
    }

    private static func list(_ values: [String], _ separator: Character) -> [String] {
        values.flatMap { $0.split(separator: separator, omittingEmptySubsequences: false).map(trimmed) }
    }

    private static func trimmed(_ text: Substring) -> String {
        var rest = text.utf8[...]
        while let first = rest.first, first == 0x20 || first == 0x09 { rest.removeFirst() }
        while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
        return String(decoding: rest, as: UTF8.self)
    }

    /// The value of `for=` of one element. Quoted texts hold no comma in an address, so that splitting at commas is enough.
    private static func forParameter(_ element: String) -> String {
        for pair in list([element], ";") where pair.utf8.count > 4 && pair.prefix(4).lowercased() == "for=" {
            let value = pair.dropFirst(4)
            guard value.utf8.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") else { return String(value) }
            return String(value.dropFirst().dropLast())
        }
        return ""
    }

    /// An address, perhaps with a port: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
    private static func node(_ text: String) -> IPAddress? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            return IPAddress(String(text[text.index(after: text.startIndex)..<end]))
        }
        let colons = text.utf8.count { $0 == UInt8(ascii: ":") }
        if colons == 1, let colon = text.firstIndex(of: ":") { return IPAddress(String(text[..<colon])) }
        return IPAddress(text)
    }
}
