import Postgres
import Telemetry
import UnixSignals

/// Shows the status again and again, until Ctrl-C or SIGTERM or until its reader is gone, even while the database cannot be
/// reached.
struct StatusWatch: Sendable {
    let context: CommandContext
    let isJSON: Bool
    let interval: Duration
    /// One look, written to standard output.
    let show: @Sendable () async throws -> Void

    /// ECMA-48: to the upper left corner, and erase from there.
    private static let home = "\u{1b}[H\u{1b}[J"

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await goOn() }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { return }
            }
            try await group.next()
        }
    }

    private func goOn() async throws {
        var isFirst = true
        while !Task.isCancelled, context.outputFailure() == nil {
            if context.terminalWidth != nil, !isJSON {
                context.writeOutput(Self.home)
            } else if !isFirst, !isJSON {
                context.writeOutput("\n")
            }
            isFirst = false
            do {
                try await show()
                context.flushOutput()
            } catch let error as PostgresError where DatabaseFailure.status(error) == .databaseUnavailable {
                context.writeError(
                    "\(PrintableText("The database does not answer: \(error). Trying again.", limit: 2000))\n")
            }
            try? await Task.sleep(for: interval)
        }
    }
}
