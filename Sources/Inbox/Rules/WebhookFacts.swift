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
        let places = source.places
        let found = try places.values(headers, body)
        func sound(_ place: Int) throws(Refusal) -> String? {
            guard let value = found[place], !value.isEmpty else { return nil }
            if value.utf8.count <= Self.mostBytes, !value.utf8.contains(0) { return value }
            guard !places.isWanted[place] else { throw .invalidValue }
            return nil
        }
        let named = try sound(FactPlaces.id)
        eventType = try sound(FactPlaces.eventType)
        correlation = try sound(FactPlaces.correlation)
        guard named != nil || !places.isWanted[FactPlaces.id] else { throw .idMissing }
        let signed = verified.id.flatMap { $0.utf8.count <= Self.mostBytes ? $0 : nil }
        id = named ?? signed ?? Self.digest(verified.id.map { Array($0.utf8) } ?? body)
    }

    /// Names a request by what it holds: the same body again is the same webhook.
    private static func digest(_ bytes: [UInt8]) -> String {
        "sha256_" + Hexadecimal.encode(SHA256.hash(data: bytes))
    }
}
