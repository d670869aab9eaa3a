import FlyingSocks

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension AsyncSocket {
    /// Says that nothing more will be sent, then waits for the other side to say the same.
    ///
    /// Closing at once while unread bytes are waiting (the body of a POST, say) would reset the connection, and the client
    /// would lose the answer that is on its way.
    func finish() async throws {
        _ = shutdown(socket.file.rawValue, Int32(SHUT_WR))
        var discarded = 0
        while discarded < Self.discardLimit {
            discarded += try await read(atMost: 4096).count
        }
    }

    /// How much of what a client sends after its request is read before it is cut off.
    private static let discardLimit = 64 * 1024
}
