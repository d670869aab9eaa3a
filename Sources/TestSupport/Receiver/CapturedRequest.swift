/// One request as the receiver read it.
package struct CapturedRequest: Sendable {
    /// `POST`.
    package var method: String
    /// The request target: path and query.
    package var path: String
    /// The header lines in their order, names as they were spelt.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Which connection it came over: 1 for the first.
    package var connection: Int
    /// When its last byte was read.
    package var arrivedAt: ContinuousClock.Instant

    /// The value of the first header of this name, in upper or lower case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    package var text: String { String(decoding: body, as: UTF8.self) }

    /// Tells requests apart: the path and the event's id say which delivery it is, the rest which attempt.
    package var attemptToken: [String] { [path, header("webhook-id") ?? "", header("webhook-attempt") ?? ""] }
}
