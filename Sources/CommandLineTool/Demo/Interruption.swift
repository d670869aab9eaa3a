import UnixSignals

/// Ctrl-C and SIGTERM while something has to be cleaned up.
enum Interruption {
    /// Runs `body`; a signal cancels it, and the command fails once it has cleaned up.
    static func watch<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                    throw CommandError(.failure, "interrupted; nothing is left behind")
                }
                return nil
            }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }
}
