package import Outbox

package protocol NameResolver: Sendable {
    /// All addresses of `name`, without duplicates, best first.
    ///
    /// Called on a thread of a small bounded queue and may block it; the caller does not wait longer than its budget.
    /// - Parameter name: a host name without a trailing dot. It is absolute: no search domain may be appended.
    func addresses(of name: String) throws(NameResolutionError) -> [IPAddress]
}

/// Why a name has no addresses.
package struct NameResolutionError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// The name does not exist, or has no address.
        case notFound
        /// The name servers failed. A later look-up may succeed.
        case temporary
        /// No answer within the budget.
        case timedOut
        /// Too many look-ups wait already.
        case overloaded
    }

    package var code: Code

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
