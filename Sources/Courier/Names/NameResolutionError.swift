/// Why a name has no addresses.
package struct NameResolutionError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// The name does not exist (NXDOMAIN).
        case notFound
        /// The name exists and has no address of either family.
        case noAddress
        /// Every name server failed (SERVFAIL), refused the question (REFUSED) or could not be reached; c-ares does not tell
        /// which. A later look-up may succeed.
        case serverFailure
        /// What the name server sent is no answer to the question.
        case malformed
        /// No answer within the budget.
        case timedOut
        /// Too many look-ups run: this one gave way to newer ones.
        case overloaded
        /// The pool that asked was closed.
        case abandoned
    }

    package var code: Code

    package init(_ code: Code) {
        self.code = code
    }

    /// Whether the name servers said so about the name. Otherwise an earlier answer may still be true.
    var isAboutName: Bool { code == .notFound || code == .noAddress }

    /// A few words that are safe to show.
    package var description: String {
        switch code {
        case .notFound: "the name does not exist"
        case .noAddress: "the name has no address"
        case .serverFailure: "the name servers failed or cannot be reached"
        case .malformed: "the answer of the name server cannot be read"
        case .timedOut: "no answer from the name servers in time"
        case .overloaded: "too many names wait to be resolved"
        case .abandoned: "the look-up was given up"
        }
    }
}
