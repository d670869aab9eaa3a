/// Why no PostgreSQL could be started on this machine, in words that say what to do.
public struct LocalPostgresError: Error, Sendable, CustomStringConvertible {
    /// What is wrong and what to do about it.
    public let description: String

    /// An error with its text.
    public init(_ description: String) {
        self.description = description
    }
}
