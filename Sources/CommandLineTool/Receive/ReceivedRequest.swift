/// A request that the receiver got, and what it made of it.
struct ReceivedRequest: Sendable {
    /// What is known about who sent it.
    enum Verification: Equatable, Sendable {
        /// No secret was given to verify with.
        case unchecked
        /// The signature fits.
        case verified
        /// It does not, for this reason.
        case refused(code: String, message: String)
    }

    /// When it arrived, in seconds since 1970.
    var time: Double
    var method: String
    var path: String
    /// The header fields, names in lower case.
    var headers: [String: String]
    var body: [UInt8]
    var verification: Verification

    /// The status code that it is answered with.
    var status: Int {
        guard method == "POST" else { return 405 }
        if case .refused = verification { return 401 }
        return 200
    }

    /// How much of a body is printed.
    static let excerptLimit = 2000

    /// The body as text, cut; bytes that are not UTF-8 become replacement characters.
    var excerpt: String {
        String(decoding: body.prefix(Self.excerptLimit), as: UTF8.self)
    }
}
