/// Where the time of one exchange went, in microseconds.
public struct CourierTimings: Hashable, Sendable {
    /// Waiting for the name to be resolved; next to nothing when the answer was at hand.
    public var nameLookup: Int64 = 0
    /// Making the TCP connection; 0 when one was reused.
    public var connect: Int64 = 0
    /// The TLS handshake; 0 when there was none.
    public var tls: Int64 = 0
    /// From the connection being ready to the first byte of the answer.
    public var firstByte: Int64 = 0
    /// Everything, from the courier taking the request up to the end.
    public var total: Int64 = 0
    /// Whether an idle connection was reused.
    public var reusedConnection = false

    /// All zero.
    public init() {}
}
