/// Something that a receiver could not do.
package enum ReceiverError: Error, Sendable {
    /// No listening socket, or no thread; the error's number.
    case start(Int32)
    /// What was waited for did not come; how many came.
    case timedOut(requests: Int, connections: Int)
}
