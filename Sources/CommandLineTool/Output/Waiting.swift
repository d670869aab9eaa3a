/// A line on the terminal's standard error while a person has to wait. It is erased at the end.
struct Waiting: Sendable {
    let context: CommandContext
    /// What the command waits for, in a few words.
    let progress: Progress

    /// A shorter wait needs no explanation.
    private static let patience = Duration.seconds(1)
    /// Carriage return, and ECMA-48's erasure to the end of the line.
    private static let erasure = "\r\u{1b}[K"

    func during<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        guard context.errorIsTerminal else { return try await body() }
        let ticking = Task {
            var seconds = 0
            defer { if seconds > 0 { context.writeError(Self.erasure) } }
            while true {
                try await Task.sleep(for: Self.patience)
                seconds += 1
                context.writeError("\(Self.erasure)\(progress.text) \(seconds) s …")
            }
        }
        do {
            let result = try await body()
            ticking.cancel()
            _ = await ticking.result
            return result
        } catch {
            ticking.cancel()
            _ = await ticking.result
            throw error
        }
    }
}
