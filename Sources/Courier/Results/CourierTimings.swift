/// Where the time of one exchange went, in microseconds.
package struct CourierTimings: Hashable, Sendable {
    /// Waiting for the name to be resolved; next to nothing when the answer was at hand.
    package var nameLookup: Int64 = 0
    /// Making the TCP connection; 0 when one was reused.
    package var connect: Int64 = 0
    /// The TLS handshake; 0 when there was none.
    package var tls: Int64 = 0
    /// From the connection being ready to the first byte of the answer.
    package var firstByte: Int64 = 0
    /// Everything, from the courier taking the request up to the end.
    package var total: Int64 = 0
    /// Whether an idle connection was reused.
    package var reusedConnection = false

    /// All zero.
    package init() {}
}
