/// Counts what is read over a connection for one answer, all of it: head, body, and what libcurl reads without a word to us,
/// such as the extensions of chunks.
struct AnswerMeter {
    /// The most bytes that one answer may take. What is read of heads and body takes less than a tenth of it; the rest is for
    /// framing.
    static let maximumBytes: UInt64 = 1024 * 1024
    /// How many pieces come uncounted, so that a usual answer costs no question to the kernel. libcurl reads up to 800 KiB of a
    /// quick server at once.
    static let uncounted = 3

    private var pieces = 0
    private var received: UInt64?

    /// libcurl has read or written a piece. True when that was one too many.
    ///
    /// - Parameter total: what was read over the connection since it was made, if that can be known.
    mutating func takesTooMuch(total: () -> UInt64?) -> Bool {
        pieces &+= 1
        guard pieces > Self.uncounted, let now = total() else { return false }
        guard let received else {
            self.received = now
            return false
        }
        return now > received && now - received > Self.maximumBytes
    }
}
