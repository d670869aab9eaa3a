import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(1))) struct WaitingTests {
    @Test func tellsAndErases() async throws {
        let (remarks, seen) = AsyncStream.makeStream(of: String.self)
        var context = CommandContext(
            environment: [:], writeOutput: { _ in }, writeError: { seen.yield($0) }, errorIsTerminal: true, now: { 0 })
        var texts: [String] = []
        try await Waiting(context: context, progress: Progress("waiting")).during {
            for await text in remarks {
                texts.append(text)
                if texts.count == 2 { break }
            }
        }
        #expect(texts == ["\r\u{1b}[Kwaiting 1 s …", "\r\u{1b}[Kwaiting 2 s …"])
        context.errorIsTerminal = false
        try await Waiting(context: context, progress: Progress("waiting")).during {}
    }

    @Test func erasesAtTheEnd() async throws {
        let recording = Recording()
        var context = recording.context()
        context.errorIsTerminal = true
        let quick = try await Waiting(context: context, progress: Progress("waiting")).during { 7 }
        #expect(quick == 7)
        #expect(recording.error.isEmpty)
    }
}
