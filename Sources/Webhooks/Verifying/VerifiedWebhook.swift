/// What is known about a request whose signature fits.
public struct VerifiedWebhook: Hashable, Sendable {
    /// The id of the event, the same on every attempt: remember it to recognise a repetition.
    public let id: String
    /// When this attempt was signed, in seconds since 1970.
    public let timestamp: Int64
}
