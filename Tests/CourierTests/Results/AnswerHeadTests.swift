import Outbox
import Testing

@testable import Courier

@Suite("The head of an answer")
struct AnswerHeadTests {
    /// Feeds lines and returns the last step.
    private func take(_ lines: [String], _ head: inout AnswerHead) -> AnswerHead.Step {
        var step = AnswerHead.Step.proceed
        for line in lines where step == .proceed { step = head.take(Array(line.utf8).span) }
        return step
    }

    @Test(
        "A status has three digits and is at least 100",
        arguments: [
            ("HTTP/1.1 200 OK\r\n", 200), ("HTTP/1.0 404\r\n", 404), ("HTTP/1.1 999 \r\n", 999),
            ("HTTP/1.1 100\n", 100),
            ("HTTP/1.1 099 Low\r\n", nil), ("HTTP/1.1 99 Low\r\n", nil), ("HTTP/1.1 1000 High\r\n", nil),
            ("HTTP/1.1 -20 No\r\n", nil), ("HTTP/1.1 +20 No\r\n", nil), ("HTTP/1.1  200 OK\r\n", nil),
            ("HTTP/2 200\r\n", nil),
            ("HTTP/2.0 200 OK\r\n", nil), ("HTTP/1.x 200 OK\r\n", nil), ("http/1.1 200 OK\r\n", nil),
            ("ICY 200 OK\r\n", nil),
            ("", nil), ("HTTP/1.1 20", nil), ("HTTP/1.1 200", 200), ("HTTP/1.1 ２００ OK\r\n", nil),
        ])
    func status(_ line: String, _ expected: Int?) {
        let status = AnswerHead.status(in: Array(line.utf8).span)
        #expect(status == expected)
    }

    @Test("The final head counts, with its own Retry-After lines alone")
    func finalHead() {
        var head = AnswerHead()
        let step = take(
            [
                "HTTP/1.1 103 Early\r\n", "Retry-After: 1\r\n", "\r\n", "HTTP/1.1 503 Busy\r\n",
                "RETRY-AFTER:  120 \r\n",
                "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", "Retry-Afterwards: 7\r\n", "\r\n",
                "Retry-After: 9\r\n",
            ], &head)
        #expect(step == .proceed)
        #expect(head.isComplete)
        #expect(head.status == 503)
        #expect(head.retryAfter == ["120", "Fri, 31 Dec 1999 23:59:59 GMT"])
    }

    @Test("Retry-After lines are bounded in number and length and hold plain text")
    func retryAfterBounds() {
        var head = AnswerHead()
        let values = [String(repeating: "9", count: 65), "é", "a\u{1}"] + (0..<9).map(String.init)
        _ = take(["HTTP/1.1 429 No\r\n"] + values.map { "Retry-After: \($0)\r\n" } + ["\r\n"], &head)
        #expect(head.retryAfter == ["0", "1", "2", "3"])
    }

    @Test(
        "what webhook-delivery asks for counts in the final head alone, in any case; of two the stronger one; other words mean nothing"
    )
    func directive() {
        func directive(_ lines: String...) -> String? {
            var head = AnswerHead()
            _ = take(["HTTP/1.1 500 No\r\n"] + lines.map { "\($0)\r\n" } + ["\r\n"], &head)
            return head.directive?.rawValue
        }
        #expect(directive("Webhook-Delivery: Disable ") == "disable")
        #expect(directive("webhook-delivery:abort-message", "webhook-delivery: disable") == "disable")
        #expect(directive("webhook-delivery: disable", "webhook-delivery: abort-message") == "disable")
        #expect(directive("webhook-delivery: abort-message") == "abort-message")
        #expect(directive("webhook-delivery: stop", "webhook-deliver: disable", "x-webhook-delivery: disable") == nil)
        var head = AnswerHead()
        _ = take(
            ["HTTP/1.1 103 Early\r\n", "webhook-delivery: disable\r\n", "\r\n", "HTTP/1.1 200 OK\r\n", "\r\n"], &head)
        #expect(head.isComplete && head.directive == nil)
    }

    @Test("101 is the end")
    func switchingProtocols() {
        var head = AnswerHead()
        let step = take(["HTTP/1.1 101 Switching Protocols\r\n", "\r\n"], &head)
        #expect(step == .finish)
        #expect(head.isComplete)
    }

    @Test(
        "A head of exactly the limit passes, one byte more does not",
        arguments: [(0, AnswerHead.Step.proceed), (1, .tooLarge)])
    func byteLimit(_ excess: Int, _ expected: AnswerHead.Step) {
        let fixed = ["HTTP/1.1 200 OK\r\n", "X: ", "\r\n", "\r\n"].joined().utf8.count
        let line = "X: " + String(repeating: "x", count: AnswerHead.maximumBytes - fixed + excess) + "\r\n"
        var head = AnswerHead()
        let step = take(["HTTP/1.1 200 OK\r\n", line, "\r\n"], &head)
        #expect(step == expected)
    }

    @Test("Sixteen informational heads pass, the seventeenth does not")
    func informationalLimit() {
        var head = AnswerHead()
        let one = ["HTTP/1.1 100 Continue\r\n", "\r\n"]
        let step = take(Array(repeating: one, count: 16).flatMap(\.self), &head)
        #expect(step == .proceed)
        let last = take(one, &head)
        #expect(last == .tooLarge)
        #expect(!head.isComplete)
    }

    @Test("Trailers count towards the limit")
    func trailers() {
        var head = AnswerHead()
        let step = take(["HTTP/1.1 200 OK\r\n", "\r\n"], &head)
        #expect(step == .proceed)
        let trailer = String(repeating: "t", count: 1000) + "\r\n"
        let last = take(Array(repeating: trailer, count: 40), &head)
        #expect(last == .tooLarge)
        #expect(head.isComplete)
    }
}
