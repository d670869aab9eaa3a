/// What `NOTIFY` sent to a channel this connection listens to.
public struct PostgresNotification: Hashable, Sendable {
    /// The name of the channel.
    public let channel: String
    /// The text that was sent along, often empty.
    public let payload: String
}
