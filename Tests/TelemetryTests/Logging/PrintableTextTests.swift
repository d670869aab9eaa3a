import Testing

@testable import Telemetry

@Suite struct PrintableTextTests {
    @Test(arguments: [
        ("Großhandel 日本 🙂", "Großhandel 日本 🙂"), ("a\u{1b}[1m\n", "a\\u{1b}[1m\\n"), ("\r\n\t", "\\r\\n\\t"),
        ("\u{0}\u{1f}", "\\u{0}\\u{1f}"),
        ("\u{7f}\u{80}\u{85}\u{9b}31m\u{9f}", "\\u{7f}\\u{80}\\u{85}\\u{9b}31m\\u{9f}"),
        ("\u{a0}", "\u{a0}"), ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"), ("\u{202e}x\u{2066}", "\\u{202e}x\\u{2066}"),
        ("\u{feff}", "\\u{feff}"), ("\u{e0041}", "\\u{e0041}"), ("", ""),
    ])
    func controlCharactersAreWrittenOut(raw: String, printable: String) {
        #expect(PrintableText(raw).description == printable)
    }

    @Test func longTextIsCut() {
        #expect(PrintableText("abcdef", limit: 3).description == "abc…")
        #expect(PrintableText("日本語", limit: 3).description == "日本語")
        #expect(PrintableText("", limit: 0).description == "")
    }
}
