package import Courier
import Formats
import Outbox

/// Whose token is asked for, and where.
struct TokenSource: Sendable {
    let client: OAuth2Client
    let route: CourierRoute
}

/// Asks a token server for a token, by the grant of client credentials (RFC 6749 section 4.4).
package final class TokenRequest: SideRequest {
    /// How long the exchange may take. Longer, and deliveries that wait for the token run out of the time that they have to start.
    static let timeout = Duration.seconds(10)
    /// How much of the answer is read: tokens of some servers hold thousands of characters.
    static let mostBytes = 16 * 1024

    package let route: CourierRoute
    package let body: RequestBody
    package let mustStartBefore: ContinuousClock.Instant
    package let passesOthers = true
    package let keptBytes = TokenRequest.mostBytes
    private let authorization: String
    package let end: @Sendable (CourierResult) -> [CourierResult]

    init(
        _ source: TokenSource, now: ContinuousClock.Instant,
        end: @escaping @Sendable (CourierResult) -> [CourierResult] = { _ in [] }
    ) {
        route = source.route
        var form = "grant_type=client_credentials"
        if let scope = source.client.scope { form += "&scope=\(Self.formEncoded(scope))" }
        body = RequestBody(Array(form.utf8))
        mustStartBefore = now + Self.timeout
        // RFC 6749 section 2.3.1: both are encoded as in a form first.
        let pair = "\(Self.formEncoded(source.client.id)):\(Self.formEncoded(source.client.secret))"
        authorization = "Basic \(Base64.encode(Array(pair.utf8)))"
        self.end = end
    }

    /// The token server is another place than the endpoint, and its connections are kept apart: by a number that no endpoint has.
    static func routeID(ofEndpoint id: Int32) -> Int32 { -max(id, 1) }

    package func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) throws(RequestRefusal) {
        lines.append("content-type", "application/x-www-form-urlencoded")
        lines.append("accept", "application/json")
        lines.append("authorization", authorization)
    }

    /// `application/x-www-form-urlencoded`, of visible ASCII and spaces. A space is `%20`: some servers do not read a plus as one.
    static func formEncoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "*"):
                String(UnicodeScalar(byte))
            default: "%" + Hexadecimal.encode([byte]).uppercased()
            }
        }.joined()
    }
}
