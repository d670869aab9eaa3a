import TestSupport
import Testing

@testable import CommandLineTool

@Suite struct YAMLTextTests {
    @Test func quotesOnlyWhatReadersMayTakeForSomethingElse() {
        let cases = [
            "billing": "billing", "order.*": "order.*", "*": "\"*\"", "15s": "15s", "5s,5m": "\"5s,5m\"",
            "no": "\"no\"",
            "Null": "\"Null\"", "42": "\"42\"", "1e3": "\"1e3\"", "": "\"\"", "a b": "\"a b\"", "a:": "\"a:\"",
            "https://a.example/x": "https://a.example/x",
            "https://a.example/?a=1,&b": "\"https://a.example/?a=1,&b\"",
            "say \"x\\\"": "\"say \\\"x\\\\\\\"\"", "日本": "\"日本\"", "\u{85}\u{202e}\u{7f}": "\"\\u0085\\u202e\\u007f\"",
        ]
        for (text, wanted) in cases { #expect("\(YAMLText(text))" == wanted) }
    }

    /// Any text comes back as it was.
    @Test func readsBackWhatItWrites() throws {
        var generator = SeededGenerator(seed: 3)
        let scalars: [Unicode.Scalar] = Array(
            "ab1 :-*&!|>%@`'\"\\#,[]{}?~=\n\t\r\u{0}\u{1b}\u{7f}\u{85}\u{a0}é\u{2028}\u{202e}\u{fffe}\u{e000}\u{e001}日🙂\u{10ffff}"
                .unicodeScalars)
        for _ in 0..<2000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                if let scalar = scalars.randomElement(using: &generator) { text.unicodeScalars.append(scalar) }
            }
            let file = "a: \(YAMLText(text))\nb: [\(YAMLText(text)), x]\n"
            guard case .map(let entries)? = try YAMLValue.read(Array(file.utf8))?.content,
                case .text(let read) = entries[0].value.content, case .list(let list) = entries[1].value.content,
                case .text(let listed) = list[0].content
            else {
                Issue.record("\(file)")
                return
            }
            #expect(Array(read.unicodeScalars) == Array(text.unicodeScalars) && listed == read, "\(file)")
        }
    }
}
