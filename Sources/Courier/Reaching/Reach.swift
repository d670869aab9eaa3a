package import Outbox

/// What came of trying to connect.
package enum Reach: Sendable, Equatable {
    /// A connection was made, with TLS where that is spoken.
    /// - Parameter expiresAt: when the certificate expires, in seconds since 1970; nil without TLS.
    case reached(expiresAt: Int64?)
    /// The name resolves to this address, or the URL holds it, and the policy forbids it. Nothing was dialled.
    case blocked(IPAddress)
    /// It failed, and so would an attempt now.
    /// - Parameter detail: a few words that are safe to show.
    case failed(ErrorCode, detail: String)
}
