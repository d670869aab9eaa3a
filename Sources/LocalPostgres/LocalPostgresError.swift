/// Why no PostgreSQL could be started on this machine, in words that say what to do.
package struct LocalPostgresError: Error, Sendable, CustomStringConvertible {
    /// What is wrong and what to do about it.
    package let description: String

    /// An error with its text.
    package init(_ description: String) {
        self.description = description
    }
}
