package import Outbox
package import Webhooks

/// A source whose settings were read and judged: what a process needs to receive for it.
///
/// A class, since it goes with each request from step to step: to copy so many parts costs a count for each of them.
package final class Source: Sendable {
    package let id: Int64
    package let name: String
    package let verifier: RequestVerifier
    /// Networks that may send; none for all.
    package let allowed: [Network]
    /// Networks whose forwarding headers are believed.
    package let proxies: [Network]
    /// The largest body, in bytes.
    package let maxBody: Int
    /// Requests a second.
    package let rateLimit: Double?
    /// Which version of its settings this is.
    package let version: Int32

    let places: FactPlaces

    /// Whatever is stored, no larger body is taken.
    package static let mostBody = 64 << 20

    /// - Parameter secrets: those of the source, opened.
    /// - Throws: when a setting breaks its rule. The error repeats no secret.
    package init(_ stored: StoredSource, secrets: [String]) throws(UnusableSource) {
        do {
            let scheme = try SourceScheme(stored.scheme)
            verifier = try RequestVerifier(scheme: scheme, secrets: secrets, tolerance: stored.tolerance)
            allowed = try stored.allowNetworks.map { try Network($0) }
            proxies = try stored.trustProxies.map { try Network($0) }
            guard scheme != .none || !allowed.isEmpty else {
                throw UnusableSource("the scheme none needs networks that may send")
            }
            places = FactPlaces(
                scheme, id: try Self.path(stored.idFrom), eventType: try Self.path(stored.eventTypeFrom),
                correlation: try Self.path(stored.correlationFrom))
        } catch let error as UnusableSource {
            throw error
        } catch {
            throw UnusableSource("\(error)")
        }
        id = stored.id
        name = stored.name
        maxBody = Int(clamping: min(max(0, stored.maxBody), Int64(Self.mostBody)))
        rateLimit = stored.rateLimit.flatMap { $0 > 0 ? $0 : nil }
        version = stored.version
    }

    private static func path(_ text: String?) throws(UnusableSource) -> ValuePath? {
        guard let text else { return nil }
        guard let path = ValuePath(text) else { throw UnusableSource("\(Excerpt(text)) is not a path") }
        return path
    }

    /// Whether an address may send. Nil is one that is not known.
    package func allows(_ address: IPAddress?) -> Bool {
        guard !allowed.isEmpty else { return true }
        guard let address else { return false }
        return allowed.contains { $0.contains(address) }
    }
}

/// Why a source cannot be used.
package struct UnusableSource: Error, Hashable, Sendable, CustomStringConvertible {
    /// One line for a person, without a secret.
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
