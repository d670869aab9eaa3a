package import Outbox

/// Finds the addresses of a host name.
package protocol NameResolver: Sendable {
    /// All addresses of `name`, without duplicates, best first.
    ///
    /// Called on a thread of a small bounded queue and may block it; the caller does not wait longer than its budget.
    /// - Parameter name: a host name without a trailing dot. It is absolute: no search domain may be appended.
    func addresses(of name: String) throws(NameResolutionError) -> [IPAddress]
}
