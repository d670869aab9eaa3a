/// What a ``PostgresSession`` tells whoever watches it.
package enum PostgresSessionEvent: Sendable {
    /// A connection is there. `isReconnect`: after an earlier one was lost.
    case connected(isReconnect: Bool)
    /// An attempt to connect has failed; the next one comes after a wait, or not at all if the deadline is over.
    case connectFailed(PostgresError)
    /// The connection is given up, because of this.
    case disconnected(PostgresError)
}
