import Testing

@testable import CommandLineTool

@Suite struct QuotingTests {
    @Test(arguments: [
        ("plain", "plain"), ("a-b.c/d:1", "a-b.c/d:1"), ("", "''"), ("two words", "'two words'"),
        ("it's", #"'it'\''s'"#),
        ("$HOME", "'$HOME'"), ("日本", "'日本'"),
    ])
    func shellWord(word: String, quoted: String) {
        #expect(ShellWord(word).description == quoted)
    }

    @Test(arguments: [
        ("plain_1", "plain_1"), ("1a", "\"1a\""), ("Upper", "\"Upper\""), ("a\"b", "\"a\"\"b\""), ("", "\"\""),
    ])
    func sqlName(name: String, quoted: String) {
        #expect(SQLName(name).description == quoted)
    }

    @Test func sqlText() {
        #expect(SQLText("it's").description == "'it''s'")
    }

    @Test func lagLeavesOutMillisecondsAboveASecond() {
        #expect(Lag.text(.milliseconds(850)) == "850ms")
        #expect(Lag.text(.milliseconds(29_850)) == "29s")
        #expect(Lag.text(.seconds(3700)) == "1h 1m")
    }

    @Test func secondsAreRoundedToMilliseconds() {
        #expect(Seconds.number(.microseconds(1_234_567)) == 1.235)
        #expect(Seconds.number(.zero) == 0)
    }

    @Test func cappedCount() {
        #expect(CappedCount.text(3, isCapped: false) == "3")
        #expect(CappedCount.text(3, isCapped: true) == "3+")
        #expect(CappedCount.text(0, isCapped: true) == "0")
    }
}
