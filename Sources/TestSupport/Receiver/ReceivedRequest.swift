/// One request as the receiver read it.
public struct ReceivedRequest: Sendable {
    /// `POST`.
    public var method: String
    /// The request target: path and query.
    public var path: String
    /// The header lines in their order, names as they were spelt.
    public var headers: [(name: String, value: String)]
    /// The body's bytes.
    public var body: [UInt8]
    /// Which connection it came over: 1 for the first.
    public var connection: Int
    /// When its last byte was read.
    public var arrivedAt: ContinuousClock.Instant

    /// The value of the first header of this name, whatever its case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The body as text.
    public var text: String { String(decoding: body, as: UTF8.self) }
}
