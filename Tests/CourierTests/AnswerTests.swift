import Courier
import Outbox
import TestSupport
import Testing

@Suite("What endpoints may answer", .timeLimit(.minutes(1)))
struct AnswerTests {
    @Test(
        "Every status of three digits is reported as it came",
        arguments: [200, 204, 299, 301, 304, 307, 400, 410, 429, 500, 599, 600, 999])
    func status(_ status: Int) async throws {
        let receiver = try ScriptedReceiver(answer: .status(status, headers: [("Location", "http://127.0.0.1:1/")]))
        let fixture = try PoolFixture()
        #expect(try await fixture.send(.to(receiver)).outcome.answer?.status == status)
        #expect(receiver.requests.count == 1)
    }

    @Test(
        "What is not HTTP/1 is a protocol error",
        arguments: [
            "HTTP/1.1 99 Low\r\n\r\n", "HTTP/1.1 1000 High\r\n\r\n", "HTTP/1.1 -200 No\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n", "SSH-2.0-OpenSSH_9.2p1\r\n", "hello\n",
            "\u{0}\u{1}\u{2}\u{3}",
            // What a server that speaks HTTP/2 alone begins with: SETTINGS, and GOAWAY with PROTOCOL_ERROR.
            "\0\0\0\u{4}\0\0\0\0\0\0\0\u{8}\u{7}\0\0\0\0\0\0\0\0\0\0\0\0\u{1}",
            "HTTP/1.1 20\r\n", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nX: a\u{0}b\r\n\r\n",
        ])
    func garbage(_ text: String) async throws {
        let receiver = try ScriptedReceiver(answer: .raw(text))
        let fixture = try PoolFixture()
        let result = try await fixture.send(.to(receiver))
        #expect(result.outcome.errorCode == .protocolError, "\(result.outcome)")
        #expect(receiver.requests.count == 1)
    }

    @Test("A status without a reason phrase will do", arguments: ["HTTP/1.1 200\r\n\r\n", "HTTP/1.0 200 \nX: y\n\n"])
    func noReason(_ text: String) async throws {
        let receiver = try ScriptedReceiver(answer: .raw(text))
        let fixture = try PoolFixture()
        #expect(try await fixture.send(.to(receiver)).outcome == .answered(CourierAnswer(status: 200)))
    }

    @Test("Informational heads are passed over, 101 is final")
    func informational() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture()
        receiver.answer(next: [
            .raw(
                "HTTP/1.1 100 Continue\r\nRetry-After: 1\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
            ),
            .raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\nxxxx", then: .hang),
        ])
        #expect(try await fixture.send(.to(receiver)).outcome == .answered(CourierAnswer(status: 200)))
        #expect(try await fixture.send(.to(receiver)).outcome == .answered(CourierAnswer(status: 101, truncated: true)))
    }

    @Test("A flood of informational heads is cut off")
    func flood() async throws {
        let receiver = try ScriptedReceiver(answer: .continueFlood)
        let fixture = try PoolFixture()
        #expect(try await fixture.send(.to(receiver)).outcome.errorCode == .responseTooLarge)
    }

    @Test(
        "A head beyond the limit is too large",
        arguments: [
            ReceiverAnswer.hugeHeader(33 * 1024), .hugeHeader(1024 * 1024), .manyHeaders(20_000),
        ])
    func hugeHead(_ answer: ReceiverAnswer) async throws {
        let receiver = try ScriptedReceiver(answer: answer)
        let fixture = try PoolFixture()
        #expect(try await fixture.send(.to(receiver)).outcome.errorCode == .responseTooLarge)
    }

    @Test("A head within the limit is read")
    func largeHead() async throws {
        let receiver = try ScriptedReceiver(answer: .hugeHeader(31 * 1024))
        let fixture = try PoolFixture()
        #expect(try await fixture.send(.to(receiver)).outcome.answer?.status == 200)
    }

    @Test("A body is read to a limit, kept to a smaller one, and does not spoil a success")
    func bigBody() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture()
        receiver.answer(next: [.bigBody(100_000_000), .bigBody(50_000), .ok])
        let cut = try #require(try await fixture.send(.to(receiver)).outcome.answer)
        #expect(cut.status == 200)
        #expect(cut.truncated)
        #expect(cut.bodyPrefix == [UInt8](repeating: 0x78, count: 4096))
        let whole = try await fixture.send(.to(receiver))
        #expect(whole.outcome.answer?.truncated == true)
        #expect(!whole.timings.reusedConnection, "a connection in the middle of a body was used again")
        #expect(try await fixture.send(.to(receiver)).timings.reusedConnection)
    }

    @Test(
        "Framing that goes on and on is cut, and does not spoil a success",
        arguments: [
            // The extension of a chunk, and what stands between a chunk and its line end.
            ("1;", UInt8(ascii: "x"), "\r\nx\r\n0\r\n\r\n"), ("1\r\nx", UInt8(ascii: "\r"), "\n0\r\n\r\n"),
        ])
    func endlessFraming(_ beginning: String, _ filling: UInt8, _ end: String) async throws {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + beginning
        func answer(_ times: Int) -> ReceiverAnswer {
            let piece = [UInt8](repeating: filling, count: 16 * 1024)
            return ReceiverAnswer([.send(Array(head.utf8)), .sendTimes(piece, times), .send(Array(end.utf8))])
        }
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture()
        receiver.answer(next: [answer(48), answer(48), answer(1024), .ok])
        for _ in 0..<2 {
            let whole = try await fixture.send(.to(receiver))
            #expect(whole.outcome == .answered(CourierAnswer(status: 200, bodyPrefix: [UInt8(ascii: "x")])))
        }
        // It has an end, which is not read to: at the deadline an endless answer would be cut too.
        let cut = try await fixture.send(.to(receiver, timeout: .seconds(30)))
        #expect(cut.outcome.answer?.status == 200)
        #expect(cut.outcome.answer?.truncated == true)
        #expect(cut.timings.reusedConnection)
        #expect(try await fixture.send(.to(receiver)).timings.reusedConnection == false)
    }

    @Test("A body that is announced as compressed stays as it is")
    func compressed() async throws {
        let answer = ReceiverAnswer.status(200, headers: [("Content-Encoding", "gzip")], body: "not gzip at all")
        let receiver = try ScriptedReceiver(answer: answer)
        let fixture = try PoolFixture()
        let got = try await fixture.send(.to(receiver)).outcome.answer
        #expect(got == CourierAnswer(status: 200, bodyPrefix: Array("not gzip at all".utf8)))
    }

    @Test(
        "After a complete head, a body that breaks off still leaves the answer",
        arguments: [
            ReceiverAnswer.resetInBody, .raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789"),
            .raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0x5\r\nzzz"),
            .raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\nFFFFFFFFFFFFFFFFF\r\n"),
        ])
    func brokenBody(_ answer: ReceiverAnswer) async throws {
        let receiver = try ScriptedReceiver(answer: answer)
        let fixture = try PoolFixture()
        let got = try #require(try await fixture.send(.to(receiver)).outcome.answer)
        #expect(got.status == 200)
        #expect(got.bodyPrefix.starts(with: Array("0123456789".utf8)))
        #expect(got.truncated)
    }

    @Test("Bytes after an answer belong to no answer", arguments: [Duration.zero, .milliseconds(20)])
    func poisonedConnection(_ pause: Duration) async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture(couriers: 1)
        let evil = ReceiverAnswer.status(418).steps
        receiver.answer(next: [
            ReceiverAnswer(ReceiverAnswer.ok.steps + [.pause(pause)] + evil),
            // Another endpoint's, slow enough for the bytes to arrive.
            .ok.delayed(by: .milliseconds(200)),
        ])
        #expect(try await fixture.send(.to(receiver)).outcome.answer?.status == 200)
        #expect(try await fixture.send(.to(receiver, id: 2)).outcome.answer?.status == 200)
        #expect(try await fixture.send(.to(receiver)).outcome.answer?.status == 200)
        #expect(receiver.connectionCount == 3)
    }

    /// One pool for all of them, so that what one leaves behind would meet the next.
    @Test("Every case of the list, and the request after it gets its own answer")
    func list() async throws {
        let receiver = try ScriptedReceiver()
        let fixture = try PoolFixture(couriers: 1)
        let cases = try AnswerCase.all()
        #expect(cases.count > 70)
        for one in cases {
            receiver.answer(next: [ReceiverAnswer([.send(one.bytes)], then: .close)])
            let outcome = try await fixture.send(.to(receiver)).outcome
            let found =
                outcome.answer.map { "\($0.status)" + ($0.truncated ? " cut" : "") } ?? outcome.errorCode?.rawValue
            #expect(found == one.expected, "\(one.testDescription): \(outcome)")
            // Where the connection was kept, the server's close may meet the next request, which fails and no further one.
            var next = try await fixture.send(.to(receiver)).outcome
            if next.errorCode == .connectionReset { next = try await fixture.send(.to(receiver)).outcome }
            #expect(
                next.answer == CourierAnswer(status: 200, bodyPrefix: Array("ok".utf8)), "after \(one.testDescription)")
        }
        #expect(Set(receiver.requests.map { $0.headers.map(\.name) }).count == 1, "no answer changes later requests")
        #expect(receiver.violations == [])
    }
}
