/// Why a name has no addresses.
package struct NameResolutionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: Hashable, Sendable {
        /// The name does not exist, or has no address.
        case notFound
        /// The name servers failed; another time may go better.
        case temporary
        /// No answer within the budget.
        case timedOut
        /// Too many look-ups wait already.
        case overloaded
    }

    /// What kind of failure it is.
    package var code: Code

    /// An error of this kind.
    package init(_ code: Code) {
        self.code = code
    }

    /// A few words that are safe to show.
    package var description: String {
        switch code {
        case .notFound: "the name has no address"
        case .temporary: "the name server could not answer"
        case .timedOut: "the name server did not answer in time"
        case .overloaded: "too many names wait to be resolved"
        }
    }
}
