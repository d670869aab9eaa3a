/// What `NOTIFY` sent to a channel this connection listens to.
package struct PostgresNotification: Hashable, Sendable {
    /// The name of the channel.
    package let channel: String
    /// The text that was sent along, often empty.
    package let payload: String
}
