package import Webhooks

/// What senders ask before they send, or instead: nothing of it is stored.
package enum Handshake: Hashable, Sendable {
    /// To be answered with 200 and this text.
    case text(String)
    /// The sender of CloudEvents may send: with which origin, and how many requests a minute where it asked.
    case allowed(origin: String, rate: String?)

    /// The longest challenge that is sent back, in bytes.
    package static let mostBytes = 1_024

    /// Meta's `GET …?hub.mode=subscribe&hub.verify_token=…&hub.challenge=…`: the token is a secret of the source.
    ///
    /// - Parameter query: what stands behind the question mark.
    /// - Returns: nil when it is none.
    package static func meta(query: String, verifier: RequestVerifier) throws(Refusal) -> Handshake? {
        var values: [String: [UInt8]] = [:]
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = PercentCoding.decode(parts[1], plusIsSpace: true) else { continue }
            values[String(parts[0])] = value
        }
        guard values["hub.mode"] == Array("subscribe".utf8), let challenge = values["hub.challenge"] else { return nil }
        guard let token = values["hub.verify_token"], verifier.isSecret(token) else { throw .wrongCredentials }
        guard challenge.count <= mostBytes, let text = plain(challenge) else { throw .invalidValue }
        return .text(text)
    }

    /// Slack's `{"type": "url_verification", "challenge": …}`, signed like any other request.
    package static func slack(scheme: SourceScheme, body: [UInt8]) -> Handshake? {
        guard scheme == .slack, body.count <= 4 * mostBytes,
            let found = try? JSONPathReader.read(body, at: [[.member("type")], [.member("challenge")]]),
            found[0] == "url_verification", let challenge = found[1], challenge.utf8.count <= mostBytes,
            let text = plain(Array(challenge.utf8))
        else { return nil }
        return .text(text)
    }

    /// The OPTIONS of CloudEvents (HTTP 1.1 Web Hooks for Event Delivery, section 4).
    ///
    /// - Parameters:
    ///   - origin: of `WebHook-Request-Origin`.
    ///   - rate: of `WebHook-Request-Rate`.
    ///   - limit: requests a second that the source takes.
    package static func cloudEvents(origin: String, rate: String?, limit: Double?) -> Handshake? {
        guard (1...mostBytes).contains(origin.utf8.count), plain(Array(origin.utf8)) != nil else { return nil }
        let minutes = limit.map { String(Int(max(1, min($0 * 60, 1e9)))) } ?? "*"
        return .allowed(origin: origin, rate: rate == nil ? nil : minutes)
    }

    /// Visible ASCII alone: what comes back must not become anything else in a browser or a log.
    private static func plain(_ bytes: [UInt8]) -> String? {
        guard bytes.allSatisfy({ (0x20...0x7e).contains($0) }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
