/// The header names that nobody can configure.
enum ReservedHeader {
    /// Why the name is reserved, or nil.
    static func reason(canonicalName name: String) -> String? {
        if name.hasPrefix("webhook-") { return "headers that begin with webhook- are Postrider's own" }
        if name.hasPrefix("proxy-") || connection.contains(name) { return "it belongs to the connection" }
        return own[name]
    }

    /// What frames a message or rules a connection (RFC 9110 sections 7 and 10.1, RFC 9112), so that a configured value
    /// could split or redirect a request.
    private static let connection: Set<String> = [
        "connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    private static let own = [
        "accept-encoding": "answers are never decompressed",
        "content-type": "the event's content type says it",
        "traceparent": "the event's trace context says it",
        "user-agent": "Postrider names itself",
    ]
}
