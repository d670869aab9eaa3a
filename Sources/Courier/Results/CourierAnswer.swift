/// An answer whose head was complete. Whether it is a success is for others to say.
public struct CourierAnswer: Hashable, Sendable {
    /// The status of the final head: 101 or 200...999.
    public var status: Int
    /// The values of the head's `Retry-After` lines as they came, at most `AnswerHead.maximumRetryAfterLines`.
    public var retryAfter: [String]
    /// The beginning of the body, at most `AnswerBody.keptBytes`, never decompressed.
    public var bodyPrefix: [UInt8]
    /// Whether `bodyPrefix` is less than the whole body, or the body broke off.
    public var truncated: Bool

    /// An answer.
    public init(status: Int, retryAfter: [String] = [], bodyPrefix: [UInt8] = [], truncated: Bool = false) {
        self.status = status
        self.retryAfter = retryAfter
        self.bodyPrefix = bodyPrefix
        self.truncated = truncated
    }
}
