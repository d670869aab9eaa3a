/// What a sender may cost.
package struct ConnectionLimits: Sendable {
    /// How many connections there are at once. One more ends an old one that waits for its sender.
    package var connections = 8_192
    /// The longest head of a request, in bytes.
    package var headBytes = 16 << 10
    /// How many header fields a request may have.
    package var headers = 100
    /// How long a head may take from its first byte, and the first one of a connection from its beginning.
    package var headTime = Duration.seconds(10)
    /// How long a body may take from the end of its head.
    package var bodyTime = Duration.seconds(20)
    /// How long a connection may stay between two requests.
    package var idleTime = Duration.seconds(60)
    /// How many requests a connection may carry.
    package var requests = 10_000
    /// How much memory bodies take at once, of all connections. Less, and large ones that come together end each other; more, and the
    /// process is no small one under a flood of them.
    package var heldBytes = 32 << 20
    /// How many bytes of a refused body are read, so that the sender sees the answer.
    package var lingerBytes = 256 << 10

    /// The defaults.
    package init() {}
}
