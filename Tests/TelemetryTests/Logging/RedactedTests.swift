import Testing

@testable import Telemetry

@Suite struct RedactedTests {
    @Test func contentNeverShows() {
        struct Holder { let secret = Redacted("canary") }
        var dumped = ""
        dump(Holder(), to: &dumped)
        let shown = "\(Holder()) \(Redacted("canary")) \(String(reflecting: Holder())) \(dumped)"
        #expect(!shown.contains("canary"))
        #expect(shown.contains("[redacted]"))
        #expect(Redacted("canary").reveal() == "canary")
    }

    @Test func printableTextKeepsScriptsAndCuts() {
        #expect(PrintableText("Großhandel 日本 🙂").description == "Großhandel 日本 🙂")
        #expect(PrintableText("a\u{1b}[1m\n").description == "a\\u{1b}[1m\\n")
        #expect(PrintableText("abcdef", limit: 3).description == "abc…")
        #expect(PrintableText("日本語", limit: 3).description == "日本語")
        #expect(PrintableText("", limit: 0).description == "")
    }
}
