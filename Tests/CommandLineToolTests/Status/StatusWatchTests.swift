import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct StatusWatchTests {
    @Test func goesOnUntilItIsEnded() async throws {
        try await Installation.with { (installation) async throws in
            let (screens, seen) = AsyncStream.makeStream(of: String.self)
            var context = CommandContext(
                environment: ["POSTRIDER_DATABASE_URL": installation.database.url], writeOutput: { seen.yield($0) },
                writeError: { _ in }, now: { Date().timeIntervalSince1970 })
            context.terminalWidth = 100
            let watching = Task { [context] in
                await CommandLineTool.run(["status", "--watch", "--interval", "1s"], in: context)
            }
            var clears = 0
            for await text in screens {
                if text == "\u{1b}[H\u{1b}[J" { clears += 1 }
                if clears == 3 { break }
            }
            watching.cancel()
            #expect(await watching.value == .done)
            #expect(clears == 3)
        }
    }

    @Test func survivesTheDatabase() async throws {
        let (remarks, seen) = AsyncStream.makeStream(of: String.self)
        let context = CommandContext(
            environment: ["POSTRIDER_DATABASE_URL": "postgresql://x@127.0.0.1:1/none"], writeOutput: { _ in },
            writeError: { seen.yield($0) }, now: { 0 })
        let watching = Task {
            await CommandLineTool.run(["status", "--watch", "--json", "--interval", "1s"], in: context)
        }
        var tries = 0
        for await text in remarks {
            #expect(text.hasPrefix("The database does not answer: "))
            tries += 1
            if tries == 2 { break }
        }
        watching.cancel()
        _ = await watching.value
    }

    @Test func intervalHasBounds() async {
        let recording = Recording()
        let ended = await CommandLineTool.run(["status", "--watch", "--interval", "1ms"], in: recording.context())
        #expect(ended == .badData)
        #expect(recording.error == "postrider: --interval must be from 1s to 1h\n")
    }
}
