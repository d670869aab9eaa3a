/// An answer whose head was complete. Whether it is a success is for others to say.
package struct CourierAnswer: Hashable, Sendable {
    /// The status of the final head: 101 or 200...999.
    package var status: Int
    /// The values of the head's `Retry-After` lines as they came, at most `AnswerHead.maximumRetryAfterLines`.
    package var retryAfter: [String]
    /// The beginning of the body, at most `AnswerBody.keptBytes`, never decompressed.
    package var bodyPrefix: [UInt8]
    /// Whether `bodyPrefix` is less than the whole body, or the body broke off.
    package var truncated: Bool

    /// An answer.
    package init(status: Int, retryAfter: [String] = [], bodyPrefix: [UInt8] = [], truncated: Bool = false) {
        self.status = status
        self.retryAfter = retryAfter
        self.bodyPrefix = bodyPrefix
        self.truncated = truncated
    }
}
