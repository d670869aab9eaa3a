/// Counts what is read over a connection for one answer, all of it: head, body, and what libcurl reads without a word to us,
/// such as the extensions of chunks.
struct AnswerMeter {
    /// The most bytes that one answer may take. What is read of heads and body takes less than a tenth of it; the rest is for
    /// framing.
    static let maximumBytes: UInt64 = 1024 * 1024
    /// How many calls of libcurl come uncounted, so that a usual answer costs no question to the kernel: one sends the request, and one
    /// or two read the answer. libcurl reads up to 800 KiB of a quick server at once.
    static let uncountedCalls = 3
    /// How many pieces come uncounted even so. libcurl tells of a usual answer four or five times, more often than it reads.
    static let uncountedPieces = 8

    private var calls = 0
    private var lastCall: UInt64?
    private var pieces = 0
    private var received: UInt64?

    /// libcurl has read or written a piece. True when that was one too many.
    ///
    /// - Parameters:
    ///   - call: which of the calls of libcurl it came in.
    ///   - total: what was read over the connection since it was made, if that can be known.
    mutating func takesTooMuch(in call: UInt64, total: () -> UInt64?) -> Bool {
        pieces &+= 1
        if lastCall != call {
            lastCall = call
            calls &+= 1
        }
        guard calls > Self.uncountedCalls || pieces > Self.uncountedPieces, let now = total() else { return false }
        guard let received else {
            self.received = now
            return false
        }
        return now > received && now - received > Self.maximumBytes
    }
}
