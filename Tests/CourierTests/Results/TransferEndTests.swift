import Glibc
import Outbox
import Testing

@testable import Courier

@Suite("What becomes of a transfer")
struct TransferEndTests {
    /// A case of the table below: libcurl's code by its number in curl.h, errno, whether the request went out.
    struct Case: Sendable {
        var code: UInt32
        var osError: Int32 = 0
        var wasSent = false
        var certificateError = 0
        var expected: ErrorCode
    }

    @Test(
        "Each of libcurl's codes has a word",
        arguments: [
            Case(code: 7, osError: ECONNREFUSED, expected: .connectionRefused),
            Case(code: 7, osError: ECONNRESET, expected: .connectionReset),
            Case(code: 7, osError: ETIMEDOUT, expected: .connectTimeout),
            Case(code: 7, osError: ENETUNREACH, expected: .networkUnreachable),
            Case(code: 7, osError: EHOSTUNREACH, expected: .networkUnreachable),
            Case(code: 7, osError: EACCES, expected: .networkUnreachable),
            Case(code: 7, osError: EMFILE, expected: .internalError),
            Case(code: 7, osError: 9999, expected: .networkUnreachable),
            Case(code: 28, expected: .connectTimeout), Case(code: 28, wasSent: true, expected: .timeout),
            Case(code: 6, expected: .dnsFailure), Case(code: 35, expected: .tlsFailure),
            Case(code: 60, certificateError: 10, expected: .tlsFailure), Case(code: 77, expected: .internalError),
            Case(code: 52, wasSent: true, expected: .connectionReset),
            Case(code: 55, wasSent: true, expected: .connectionReset),
            Case(code: 56, osError: ECONNRESET, wasSent: true, expected: .connectionReset),
            Case(code: 1, wasSent: true, expected: .protocolError),
            Case(code: 8, wasSent: true, expected: .protocolError),
            Case(code: 0, wasSent: true, expected: .protocolError),
            Case(code: 27, wasSent: true, expected: .responseTooLarge),
            Case(code: 27, expected: .internalError), Case(code: 3, expected: .invalidURL),
            Case(code: 4242, expected: .internalError), Case(code: 4242, wasSent: true, expected: .protocolError),
        ])
    func failures(_ given: Case) {
        let end = TransferEnd(
            code: given.code, osError: given.osError, wasSent: given.wasSent, certificateError: given.certificateError)
        #expect(end.outcome().failure?.code == given.expected)
        #expect(end.outcome().failure?.detail.isEmpty == false)
    }

    @Test(
        "Why we stopped comes before what libcurl made of it",
        arguments: [
            (TransferEnd.Stop.headTooLarge, ErrorCode.responseTooLarge), (.headMalformed, .protocolError),
            (.answerTooLarge, .responseTooLarge),
            (.wouldRepeat, .connectionReset), (.blocked, .blockedAddress), (.noSocket(EMFILE), .internalError),
        ])
    func stops(_ stop: TransferEnd.Stop, _ expected: ErrorCode) {
        #expect(TransferEnd(code: 42, wasSent: true, stop: stop).outcome().failure?.code == expected)
    }

    @Test("Too late is not a failure")
    func tooLate() {
        #expect(TransferEnd(code: 42, stop: .tooLate).outcome() == .notSent(.tooLate))
    }

    @Test("A complete head is an answer, even when its body breaks off", arguments: [UInt32(0), 18, 23, 28, 56])
    func completeHead(_ code: UInt32) {
        var head = AnswerHead()
        for line in ["HTTP/1.1 503 Busy\r\n", "Retry-After: 5\r\n", "\r\n"] { _ = head.take(Array(line.utf8).span) }
        let answer = CourierAnswer(status: 503, retryAfter: ["5"], truncated: code != 0)
        #expect(TransferEnd(code: code, wasSent: true, head: head).outcome() == .answered(answer))
    }

    @Test(
        "A TLS failure says why, in plain words",
        arguments: [
            (10, "", "the certificate has expired"), (18, "", "the certificate is self-signed"),
            (
                0, "OpenSSL/3 error:0A00010B:SSL routines::wrong version number",
                "the TLS handshake failed: wrong version number"
            ),
            (
                1, "SSL: no alternative certificate subject name matches target host name 'secret.internal'",
                "the TLS handshake failed: the certificate is not for this host"
            ),
            (0, "error routines::http://user:pw@host/", "the TLS handshake failed"),
            (0, "", "the TLS handshake failed"),
            (12345, "", "the certificate was not accepted (error 12345)"),
        ])
    func tls(_ certificateError: Int, _ text: String, _ expected: String) {
        #expect(TLSFailureText.text(certificateError: certificateError, curl: text) == expected)
    }

    @Test("A body is kept to one limit and read to another")
    func body() {
        var body = AnswerBody()
        let piece = [UInt8](repeating: 1, count: 16 * 1024)
        var goesOn = (0..<4).map { _ in body.take(piece.span) }
        let last: [UInt8] = [1]
        goesOn.append(body.take(last.span))
        #expect(goesOn == [true, true, true, true, false])
        #expect(body.kept.count == AnswerBody.keptBytes)
        #expect(body.isTruncated)
    }
}

extension CourierOutcome {
    fileprivate var failure: (code: ErrorCode, detail: String)? {
        if case .failed(let code, let detail) = self { (code, detail) } else { nil }
    }
}
