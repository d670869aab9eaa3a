/// An endpoint as it is stored: what a worker needs to send to it. Nothing in it has been judged yet.
public struct EndpointRecord: Sendable {
    /// Its id.
    public var id: Int32
    /// Which version of its settings this is.
    public var revision: Int32
    /// Its name.
    public var name: String
    /// Whose it is.
    public var tenant: String
    /// The URL's id, for the record of attempts.
    public var urlID: Int32
    /// The URL.
    public var url: String
    /// `envelope` or `raw`.
    public var payloadFormat: String
    /// `Name: value` lines. May hold credentials.
    public var headers: [String]
    /// Waits between attempts, in milliseconds.
    public var retrySchedule: [Int64]
    /// Attempts before the delivery is dead.
    public var maxAttempts: Int32
    /// How long the whole exchange may take, in milliseconds.
    public var timeout: Int64
    /// Live signing secrets, newest first, plain or sealed.
    public var secrets: [String]
}
