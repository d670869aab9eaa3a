import Testing

@testable import Settings

@Suite struct ConfigurationFileTests {
    @Test func linesAreReadAsWritten() throws {
        let text = """
            # a comment
            A=plain
              B = around blanks \t
            C="quoted # \\"x\\" \\\\ \\n"
            D='single \\n "x"'
            E=
            F=a=b#c
            """
        let file = try ConfigurationFile(path: "f", text: text)
        #expect(
            file.entries.mapValues(\.value) == [
                "A": "plain", "B": "around blanks", "C": "quoted # \"x\" \\ \n", "D": "single \\n \"x\"", "E": "",
                "F": "a=b#c",
            ])
        #expect(file.entries["C"]?.line == 4)
    }

    @Test func carriageReturnsEndLines() throws {
        let file = try ConfigurationFile(path: "f", text: "A=1\r\nB='2'\r\n")
        #expect(file.entries.mapValues(\.value) == ["A": "1", "B": "2"])
        #expect(file.entries["B"]?.line == 2)
    }

    @Test(arguments: [
        "no equals sign", "=value", "A B=1", "export A=1", "Ä=1", "A=1\nA=2", "A=\"open", "A='open", "A=\"x\" y",
        "A=value # comment", "A=\"\\q\"", "A=\"x\\", "\u{feff}A=1",
    ])
    func malformedLineIsRefusedWithItsPlace(text: String) {
        let error = #expect(throws: ConfigurationError.self) { try ConfigurationFile(path: "f", text: text) }
        #expect(error?.code == .malformedFile)
        #expect(error?.source == "file f, line \(text.contains("\n") ? 2 : 1)")
    }
}
