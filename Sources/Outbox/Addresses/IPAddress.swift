/// An IPv4 or IPv6 address, without port, zone or prefix.
package enum IPAddress: Hashable, Sendable {
    /// The four octets in network order, as one number: 127.0.0.1 is `0x7f00_0001`.
    case v4(UInt32)
    /// The sixteen octets in network order, as two numbers: ::1 is `high: 0, low: 1`.
    case v6(high: UInt64, low: UInt64)
}
