/// What the receiver does once it has read a request: a script of bytes and pauses, and what becomes of the connection.
package struct ReceiverAnswer: Sendable {
    /// One step of a script.
    package enum Step: Sendable {
        /// These bytes.
        case send([UInt8])
        /// Nothing for a while.
        case pause(Duration)
        /// These bytes so many times.
        case sendTimes([UInt8], Int)
        /// These bytes again and again for ever, with a pause after each.
        case drip([UInt8], every: Duration)
    }

    /// What becomes of the connection after the last step.
    package enum End: Sendable {
        /// Read the next request.
        case keepAlive
        /// Close in an orderly way.
        case close
        /// Break off with an RST.
        case reset
        /// Stay silent until the other side goes.
        case hang
        /// Keep the connection, and break it off, unread, at the first byte of the next request.
        case resetOnNextRequest
    }

    package var steps: [Step]
    package var end: End

    package init(_ steps: [Step], then end: End = .keepAlive) {
        self.steps = steps
        self.end = end
    }
}

// MARK: - The usual ones

extension ReceiverAnswer {
    /// 200 with a short body, keeping the connection.
    package static let ok = status(200, body: "ok")
    /// No answer at all; the connection stays open.
    package static let hang = ReceiverAnswer([], then: .hang)
    /// The connection is broken off after the request was read.
    package static let resetAfterRequest = ReceiverAnswer([], then: .reset)
    /// The connection is closed after the request was read.
    package static let closeWithoutAnswer = ReceiverAnswer([], then: .close)
    /// 200; the connection is kept, and broken off at the first byte of the next request, which is not read.
    package static let okThenResetNext = ReceiverAnswer(ok.steps, then: .resetOnNextRequest)
    /// The head of a 200 comes in pieces and never ends.
    package static let dripHead = ReceiverAnswer([
        .send(Array("HTTP/1.1 200 OK\r\nX-Drip: ".utf8)), .drip([0x61], every: .milliseconds(20)),
    ])
    /// The head of a 200 is complete, its body comes in pieces and never ends.
    package static let dripBody = ReceiverAnswer([
        .send(Array("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".utf8)),
        .drip([0x62], every: .milliseconds(20)),
    ])
    /// 200, a part of the body, and an RST.
    package static let resetInBody = ReceiverAnswer(
        [.send(Array("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789".utf8)), .pause(.milliseconds(50))],
        then: .reset)
    /// 100 Continue for ever.
    package static let continueFlood = ReceiverAnswer(
        [.sendTimes(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8), 10_000)], then: .hang)

    /// An answer with this status. The body's length is added, and so are the headers given.
    package static func status(
        _ status: Int, headers: [(String, String)] = [], body: String = "", then end: End = .keepAlive
    ) -> ReceiverAnswer {
        var head = "HTTP/1.1 \(status) Status\r\nContent-Length: \(body.utf8.count)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        return ReceiverAnswer([.send(Array((head + "\r\n" + body).utf8))], then: end)
    }

    package static func raw(_ text: String, then end: End = .close) -> ReceiverAnswer {
        ReceiverAnswer([.send(Array(text.utf8))], then: end)
    }

    /// 200 with a body of `bytes` bytes.
    package static func bigBody(_ bytes: Int) -> ReceiverAnswer {
        let piece = [UInt8](repeating: 0x78, count: 4096)
        let head = "HTTP/1.1 200 OK\r\nContent-Length: \(bytes)\r\n\r\n"
        return ReceiverAnswer([
            .send(Array(head.utf8)), .sendTimes(piece, bytes / piece.count),
            .send(Array(piece.prefix(bytes % piece.count))),
        ])
    }

    /// 200 with one header line of `bytes` bytes.
    package static func hugeHeader(_ bytes: Int) -> ReceiverAnswer {
        .raw("HTTP/1.1 200 OK\r\nX-Huge: \(String(repeating: "h", count: bytes))\r\nContent-Length: 0\r\n\r\n")
    }

    /// 200 with `count` short header lines.
    package static func manyHeaders(_ count: Int) -> ReceiverAnswer {
        let lines = (0..<count).map { "X-\($0): v\r\n" }.joined()
        return .raw("HTTP/1.1 200 OK\r\n\(lines)Content-Length: 0\r\n\r\n")
    }

    /// This answer after a pause.
    package func delayed(by pause: Duration) -> ReceiverAnswer { ReceiverAnswer([.pause(pause)] + steps, then: end) }
}
