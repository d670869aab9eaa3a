import Crypto
import Formats
package import Webhooks

/// What a request says about itself: which webhook it is, of which type, and what it belongs to.
package struct WebhookFacts: Hashable, Sendable {
    package let id: String
    package let eventType: String?
    package let correlation: String?

    /// The longest value of each kind, in bytes.
    package static let mostBytes = 256

    /// Reads a request that was verified.
    ///
    /// - Parameter headers: all of them.
    package init(
        of source: Source, verified: VerifiedRequest, headers: [(name: String, value: String)], body: [UInt8]
    ) throws(Refusal) {
        let usual = UsualPlaces(source.verifier.scheme)
        let wanted = [source.idFrom, source.eventTypeFrom, source.correlationFrom]
        // What the operator has named must be readable; what a scheme usually has may be missing.
        let places = [
            wanted[0] ?? (verified.id == nil ? usual.id : nil), wanted[1] ?? usual.eventType, wanted[2],
        ]
        let found = try Self.values(at: places, mustRead: wanted.contains { $0?.isInBody == true }, headers, body)
        var values: [String?] = []
        for (value, isWanted) in zip(found, wanted.map { $0 != nil }) {
            guard let value, !value.isEmpty else {
                values.append(nil)
                continue
            }
            let isSound = value.utf8.count <= Self.mostBytes && !value.utf8.contains(0)
            guard isSound || !isWanted else { throw .invalidValue }
            values.append(isSound ? value : nil)
        }
        guard wanted[0] == nil || values[0] != nil else { throw .idMissing }
        let signed = verified.id.flatMap { $0.utf8.count <= Self.mostBytes ? $0 : nil }
        id = values[0] ?? signed ?? Self.digest(verified.id.map { Array($0.utf8) } ?? body)
        eventType = values[1]
        correlation = values[2]
    }

    /// Names a request by what it holds: the same body again is the same webhook.
    private static func digest(_ bytes: [UInt8]) -> String {
        "sha256_" + Hexadecimal.encode(SHA256.hash(data: bytes))
    }

    private static func values(
        at places: [ValuePath?], mustRead: Bool, _ headers: [(name: String, value: String)], _ body: [UInt8]
    ) throws(Refusal) -> [String?] {
        var steps: [[ValuePath.Step]] = []
        for case .body(let path)? in places { steps.append(path) }
        var inBody: [String?] = steps.map { _ in nil }
        if !steps.isEmpty {
            do throws(JSONPathReader.Failure) {
                inBody = try JSONPathReader.read(body, at: steps)
            } catch {
                if mustRead { throw error == .tooDeep ? .tooDeep : .notJSON }
            }
        }
        var next = 0
        return places.map { place in
            switch place {
            case nil: return nil
            case .header(let name)?:
                let name = name.lowercased()
                return headers.first { $0.name.lowercased() == name }?.value
            case .body?:
                next += 1
                return inBody[next - 1]
            }
        }
    }
}

/// Where the senders of a scheme usually say what a webhook is.
private struct UsualPlaces {
    var id: ValuePath?
    var eventType: ValuePath?

    init(_ scheme: SourceScheme) {
        switch scheme {
        case .standard:
            eventType = .body([.member("type")])
        case .github:
            (id, eventType) = (.header("X-GitHub-Delivery"), .header("X-GitHub-Event"))
        case .stripe:
            (id, eventType) = (.body([.member("id")]), .body([.member("type")]))
        case .shopify:
            (id, eventType) = (.header("X-Shopify-Webhook-Id"), .header("X-Shopify-Topic"))
        case .slack:
            (id, eventType) = (.body([.member("event_id")]), .body([.member("event"), .member("type")]))
        case .hmac, .bearer, .basic, .jwt, .none: break
        }
    }
}

extension ValuePath {
    fileprivate var isInBody: Bool {
        if case .body = self { true } else { false }
    }
}
