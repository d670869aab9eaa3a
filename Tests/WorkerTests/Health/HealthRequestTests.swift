import Testing

@testable import Worker

@Suite struct HealthRequestTests {
    @Test(arguments: [
        ("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", "GET", "/livez"),
        ("GET /readyz?verbose HTTP/1.0\r\n\r\n", "GET", "/readyz"),
        ("POST / HTTP/1.1\n\nbody", "POST", "/"),
        ("get /%2e HTTP/1.1\r\n\r\n", "get", "/%2e"),
    ])
    func completeHead(text: String, method: String, path: String) {
        #expect(HealthRequest.read(Array(text.utf8)) == .complete(HealthRequest(method: method, path: path)))
    }

    @Test(arguments: [
        "\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1 x\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n", "GET http://x/ HTTP/1.1\r\n\r\n", "GET /ä HTTP/1.1\r\n\r\n", " / HTTP/1.1\r\n\r\n",
        "G T / HTTP/1.1\r\n\r\n", "GET /\u{0} HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\n\n",
    ])
    func malformedHead(text: String) {
        #expect(HealthRequest.read(Array(text.utf8)) == .malformed)
    }

    @Test func headIsReadFromAnyNumberOfPieces() {
        let head = Array("GET / HTTP/1.1\r\nA: b\r\n\r\n".utf8)
        for length in 0..<head.count {
            #expect(HealthRequest.read(Array(head[..<length])) == .incomplete)
        }
        #expect(HealthRequest.read(head) == .complete(HealthRequest(method: "GET", path: "/")))
    }

    @Test func headHasALimit() {
        let endless = Array(repeating: UInt8(ascii: "a"), count: HealthRequest.headLimit)
        #expect(HealthRequest.read(Array(endless.dropLast())) == .incomplete)
        #expect(HealthRequest.read(endless) == .tooLarge)
        #expect(HealthRequest.read(endless + Array("\r\n\r\n".utf8)) == .tooLarge)
    }
}
