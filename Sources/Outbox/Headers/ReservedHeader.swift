/// A header name, or the beginning of names, that no endpoint and no event can set.
package struct ReservedHeader: Sendable {
    /// In lower case.
    package let name: String
    /// Whether all names that begin with `name` are reserved.
    package let isPrefix: Bool
    /// Whether only the courier may set it: it frames a request, rules its connection or belongs to one hop (RFC 9110
    /// sections 7 and 10.1, RFC 9112), so another value could split or redirect a request.
    package let isForCourierAlone: Bool
    let reason: String

    /// The one list. The trigger on the outbox and the function that creates endpoints refuse the same names.
    package static let all: [ReservedHeader] =
        [
            "connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "te", "trailer",
            "transfer-encoding", "upgrade",
        ].map { ReservedHeader($0, forCourierAlone: true, "it belongs to the connection") } + [
            ReservedHeader("proxy-", isPrefix: true, forCourierAlone: true, "it belongs to the connection"),
            ReservedHeader("accept-encoding", forCourierAlone: true, "answers are never decompressed"),
            ReservedHeader("content-encoding", "content is sent as it was written, never encoded"),
            ReservedHeader("content-type", "the event's content type says it"),
            ReservedHeader("traceparent", "the event's trace context says it"),
            ReservedHeader("user-agent", "Postrider names itself"),
            ReservedHeader("webhook-", isPrefix: true, "headers that begin with webhook- are Postrider's own"),
        ]

    private static let forCourierAlone = all.filter(\.isForCourierAlone)

    private init(_ name: String, isPrefix: Bool = false, forCourierAlone: Bool = false, _ reason: String) {
        self.name = name
        self.isPrefix = isPrefix
        self.isForCourierAlone = forCourierAlone
        self.reason = reason
    }

    /// Why the name is reserved, or nil.
    static func reason(_ name: String) -> String? {
        all.first { $0.matches(name) }?.reason
    }

    /// Whether only the courier may set this header.
    ///
    /// - Parameter name: not empty. Asked for each line of each request, so most names are answered by their length and
    ///   first letter alone.
    package static func isForCourierAlone(_ name: Span<UInt8>) -> Bool {
        guard lengthsForCourierAlone[Int(name[0] & 0x1F)] & (1 << min(name.count, 63)) != 0 else { return false }
        let text = String(decoding: name.indices.map { name[$0] }, as: UTF8.self)
        return forCourierAlone.contains { $0.matches(text) }
    }

    /// For each letter, in either case, the lengths of the names for the courier alone that begin with it, as bits; the
    /// last bit stands for all greater lengths.
    private static let lengthsForCourierAlone: [UInt64] = {
        var lengths = [UInt64](repeating: 0, count: 32)
        for header in forCourierAlone {
            guard let first = header.name.utf8.first else { continue }
            let count = min(header.name.utf8.count, 63)
            lengths[Int(first & 0x1F)] |= header.isPrefix ? UInt64.max << count : 1 << count
        }
        return lengths
    }()

    /// Letter case does not matter (RFC 9110 section 5.1).
    private func matches(_ other: String) -> Bool {
        let (mine, others) = (name.utf8, other.utf8)
        guard isPrefix ? others.count >= mine.count : others.count == mine.count else { return false }
        return zip(mine, others).allSatisfy { $0 == $1.lowercased }
    }
}
