import Testing

@testable import CommandLineTool

@Suite struct SuggestionTests {
    @Test(arguments: [
        (["statsu"], "postrider status"), (["endpoint", "lst", "--json"], "postrider endpoint list"),
        (["dead-leter", "list"], "postrider dead-letter"), (["event", "shwo", "1"], "postrider event show"),
    ])
    func slips(_ arguments: [String], _ meant: String) async {
        let recording = Recording()
        #expect(await CommandLineTool.run(arguments, in: recording.context()) == .usage)
        #expect(recording.error.hasSuffix("Did you mean: \(meant)\n"))
    }

    @Test(arguments: [["status"], ["endpoint", "show", "shwo"], ["xyzzy"], ["--nothing"], ["endpoint"], []])
    func othersAreLeftAlone(_ arguments: [String]) {
        #expect(Suggestion.command(near: arguments) == nil)
    }
}
