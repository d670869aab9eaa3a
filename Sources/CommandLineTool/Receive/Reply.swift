/// What the receiver answers with.
struct Reply: Equatable, Sendable {
    var status: Int
    /// Names as they are written.
    var headers: [String: String] = [:]
    var body: [UInt8] = []
}
