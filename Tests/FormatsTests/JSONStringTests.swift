import Formats
import Testing

@Suite("JSON strings")
struct JSONStringTests {
    private func literal(_ text: String, mustEscape: (Unicode.Scalar) -> Bool = { _ in false }) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars { JSONString.append(scalar, mustEscape: mustEscape(scalar), to: &escaped) }
        return escaped
    }

    @Test("quotation marks, backslashes and control characters are escaped, and nothing else")
    func required() {
        #expect(literal("a\"b\\c\n\u{1f}\0/é😀\u{7f}") == #"a\"b\\c\u000a\u001f\u0000/é😀"# + "\u{7f}")
    }

    @Test("a scalar beyond 16 bits is escaped as two")
    func surrogates() {
        #expect(literal("😀\u{202e}") { !$0.isASCII } == #"\ud83d\ude00\u202e"#)
    }
}
