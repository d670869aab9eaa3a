import Testing

@testable import Courier

@Suite("Header lines")
struct HeaderLinesTests {
    private func lines(_ headers: [(String, String)]) -> HeaderLines { HeaderLines(headers) }

    @Test("Lines are stored in libcurl's notation, in one piece, an empty value apart and with a semicolon")
    func notation() {
        let lines = lines([("X-A", "1"), ("X-B", ""), ("X-C", " \t"), ("x-d", "a: b; c"), ("X-E", "2")])
        #expect(lines.refusal == nil)
        #expect(String(decoding: lines.bytes, as: UTF8.self) == "X-A: 1\0X-B;\0X-C;\0x-d: a: b; c\r\nX-E: 2\0")
        #expect(lines.starts == [0, 7, 12, 17])
        #expect(lines.count == 5)
    }

    @Test("A request with a dozen lines is one piece for libcurl, which looks through all pieces again and again")
    func pieces() {
        let lines = lines((0..<12).map { ("X-\($0)", "\($0)") })
        #expect(lines.starts == [0] && lines.count == 12)
    }

    @Test("A refused line is not stored, and the first one is named without what made it unsafe")
    func refusal() {
        let lines = lines([("X-A", "1"), ("Bad\r\nName", "x"), ("Host", "y"), ("X-B", "2")])
        #expect(lines.refusal == "BadName")
        #expect(lines.count == 2)
    }

    @Test("Control bytes and bytes beyond ASCII are refused in a value", arguments: (0...255).map { UInt8($0) })
    func values(_ byte: UInt8) {
        var lines = HeaderLines()
        lines.append("X", bytes: [0x61, byte])
        #expect((lines.refusal == nil) == ((0x20...0x7E).contains(byte) || byte == 0x09))
    }

    @Test("Lines and bytes are bounded")
    func bounds() {
        #expect(lines((0..<HeaderLines.maximumLines).map { ("X-\($0)", "") }).refusal == nil)
        #expect(lines((0...HeaderLines.maximumLines).map { ("X-\($0)", "") }).refusal == "X-128")
        #expect(lines([("X", String(repeating: "a", count: HeaderLines.maximumBytes))]).refusal == "X")
    }

    @Test(
        "Headers that frame the request are refused in any case",
        arguments: [
            "Host", "CONTENT-LENGTH", "transfer-encoding", "Connection", "Expect", "TE", "Trailer", "Upgrade",
        ])
    func reserved(_ name: String) {
        #expect(lines([(name, "x")]).refusal == name)
    }
}
