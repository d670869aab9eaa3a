/// An endpoint as it is stored: what a worker needs to send to it. Nothing in it has been judged yet.
package struct EndpointRecord: Sendable {
    /// Its id.
    package var id: Int32
    /// Which version of its settings this is.
    package var revision: Int32
    /// Its name.
    package var name: String
    /// Whose it is.
    package var tenant: String
    /// The URL's id, for the record of attempts.
    package var urlID: Int32
    /// The URL.
    package var url: String
    /// `envelope` or `raw`.
    package var payloadFormat: String
    /// `Name: value` lines. May hold credentials.
    package var headers: [String]
    /// Waits between attempts, in milliseconds.
    package var retrySchedule: [Int64]
    /// Attempts before the delivery is dead.
    package var maxAttempts: Int32
    /// How long the whole exchange may take, in milliseconds.
    package var timeout: Int64
    /// Live signing secrets, newest first, plain or sealed.
    package var secrets: [String]
}
