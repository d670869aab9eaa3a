import ArgumentParser
import Testing

@testable import CommandLineTool

@Suite struct ColourTests {
    private func table() -> Table {
        var table = Table([.text("A"), .state("STATE"), .number("N")])
        table.add("x", "active", "1")
        table.add("y", "dead", "20")
        return table
    }

    @Test func stateWordsAreColouredAfterPadding() {
        let plain = table().lines(width: 80)
        let coloured = table().lines(width: 80, isColoured: true)
        #expect(coloured[0] == plain[0])
        #expect(coloured[1] == "x  \u{1b}[32mactive\u{1b}[0m   1")
        #expect(coloured[2] == "y  \u{1b}[31mdead\u{1b}[0m    20")
    }

    @Test func onlyWhereItWasAskedFor() throws {
        for isColoured in [true, false] {
            let recording = Recording()
            var context = recording.context(width: 80)
            context.isColoured = isColoured
            Output(try OutputOptions.parse([]), in: context).line("All is well.", .good)
            #expect(recording.output == (isColoured ? "\u{1b}[32mAll is well.\u{1b}[0m\n" : "All is well.\n"))
        }
    }
}
