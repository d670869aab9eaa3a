/// The pool could not be made: the process is out of file descriptors or memory.
package struct CourierPoolError: Error, Sendable, CustomStringConvertible {
    /// A sentence that is safe to show.
    package var description: String { "the courier pool could not be made: no file descriptors or no memory left" }
}
