import ArgumentParser
import Testing

@testable import CommandLineTool

@Suite struct OutputTests {
    private struct Row: Encodable {
        var url: String
        var name: String
        var missing: Int?
    }

    private let recording = Recording()

    private func output(json: Bool, width: Int? = nil) throws -> Output {
        Output(try OutputOptions.parse(json ? ["--json"] : []), in: recording.context(width: width))
    }

    @Test func jsonIsOneLineWithSortedKeys() throws {
        let output = try output(json: true)
        #expect(output.isJSON)
        try output.json(Row(url: "https://x/\n", name: "é\u{1b}"))
        #expect(recording.output == #"{"name":"é\u001b","url":"https://x/\n"}"# + "\n")
    }

    @Test func remarksGoToStandardError() throws {
        let output = try output(json: false)
        output.line("a result\u{7}")
        output.remark("a remark\n")
        #expect(recording.output == "a result\\u{7}\n")
        #expect(recording.error == "a remark\\n\n")
    }

    @Test func widthIsTheTerminalsOr80() throws {
        #expect(try output(json: false, width: 132).width == 132)
        #expect(try output(json: false).width == 80)
    }

    @Test(arguments: [
        (0, "now"), (1, "1s ago"), (59, "59s ago"), (60, "1m ago"), (3599, "59m ago"), (3600, "1h ago"),
        (86_399, "23h ago"), (86_400, "1d ago"), (-1, "in 1s"), (-7200, "in 2h"), (Int64.max, "106751991167300d ago"),
        (Int64.min, "in 106751991167300d"),
    ])
    func age(seconds: Int64, text: String) {
        #expect(Age.text(.seconds(seconds)) == text)
    }
}
