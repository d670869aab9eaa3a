package import Outbox
package import Webhooks

/// The schemes that the requests of an endpoint are signed in, all of them at once. No two set the same header, and none sets one that is
/// not theirs to set.
package struct SignatureSchemes: Sendable {
    package let schemes: [SignatureScheme]

    /// That of an endpoint which says nothing else.
    package static let standard = SignatureSchemes(checked: [.v1])

    private init(checked schemes: [SignatureScheme]) {
        self.schemes = schemes
    }

    /// The most schemes of an endpoint.
    package static let most = 8

    package init(_ texts: [String]) throws(InvalidText) {
        guard (1...Self.most).contains(texts.count) else {
            throw InvalidText(.signature, "an endpoint has 1 to \(Self.most) signature schemes, not \(texts.count)")
        }
        guard Set(texts).count == texts.count else {
            throw InvalidText(.signature, "a signature scheme is given twice")
        }
        var schemes: [SignatureScheme] = []
        var names: Set<String> = []
        for text in texts {
            let scheme = try Self.scheme(text)
            for name in scheme.headerNames where !names.insert(name.lowercased()).inserted {
                throw InvalidText(.signature, "two signature schemes set the header \(Excerpt(name))")
            }
            schemes.append(scheme)
        }
        self.schemes = schemes
    }

    /// The headers that the schemes set beside those of Standard Webhooks, in lower case.
    var headerNames: Set<String> { Set(schemes.flatMap(\.headerNames).map { $0.lowercased() }) }

    /// Whether a key of Standard Webhooks signs, or the text of the secret does.
    package var takesText: Bool { !schemes.contains(.v1) && !schemes.contains(.svix) }

    private static func scheme(_ text: String) throws(InvalidText) -> SignatureScheme {
        let scheme: SignatureScheme
        do throws(SignatureSchemeError) {
            scheme = try SignatureScheme(text)
        } catch {
            throw InvalidText(.signature, "\(Excerpt(text)) is not a signature scheme: \(error)")
        }
        guard case .hmac(let hmac) = scheme else { return scheme }
        do throws(HeaderFieldError) {
            _ = try HeaderField(name: hmac.header, value: "x")
        } catch {
            throw InvalidText(.signature, "\(Excerpt(text)) is not a signature scheme: \(error)")
        }
        guard hmac.header.lowercased() != "authorization" else {
            throw InvalidText(.signature, "\(Excerpt(text)) is not a signature scheme: its header is made by --auth")
        }
        return scheme
    }
}
