import Outbox

/// How a transfer ended, as libcurl and our callbacks saw it: all that its outcome is decided from.
struct TransferEnd {
    /// Why a callback of ours stopped the transfer.
    enum Stop: Equatable {
        /// The head went over its limits.
        case headTooLarge
        /// More came for the answer than one may take in all.
        case answerTooLarge
        /// The head is not one of HTTP/1.
        case headMalformed
        /// Nothing after the head is of interest.
        case enough
        /// libcurl was about to send the request a second time.
        case wouldRepeat
        /// `mustStartBefore` passed while the connection was being made.
        case tooLate
        /// An address that was not vetted was about to be dialled or used.
        case blocked
        /// No socket could be made; the error's number.
        case noSocket(Int32)
    }

    /// libcurl's code, `CURLE_…`.
    var code: UInt32
    /// The operating system's last error in this transfer, or 0.
    var osError: Int32 = 0
    /// Whether a connection was ready and the request began to go out.
    var wasSent = false
    /// OpenSSL's verdict on the certificate, `X509_V_ERR_…`, or 0.
    var certificateError = 0
    /// libcurl's own words.
    var text = ""
    /// Whether the endpoint has authorities of its own.
    var hasOwnAuthorities = false
    /// The proxy, when the transfer failed and went through one.
    var proxy: ProxyEnd?
    var stop: Stop?
    var head = AnswerHead()
    var body = AnswerBody()

    func outcome() -> CourierOutcome {
        // Once the head is complete, the answer counts, even when its body breaks off.
        if head.isComplete, let status = head.status {
            let broken = code != 0 || stop != nil
            return .answered(
                CourierAnswer(
                    status: status, retryAfter: head.retryAfter, location: head.location, directive: head.directive,
                    allowedOrigin: head.allowedOrigin, allowedRate: head.allowedRate,
                    bodyPrefix: body.kept, truncated: broken || body.isTruncated))
        }
        switch stop {
        case .tooLate: return .notSent(.tooLate)
        case .headTooLarge: return .failed(.responseTooLarge, detail: "the head of the answer is larger than the limit")
        case .answerTooLarge:
            return .failed(.responseTooLarge, detail: "more came than the limit, and no end of the head")
        case .headMalformed: return .failed(.protocolError, detail: "the answer is not HTTP/1.1")
        case .wouldRepeat, .enough:
            return .failed(.connectionReset, detail: "the connection broke before an answer came")
        case .blocked: return .failed(.blockedAddress, detail: "an address of the host is not allowed")
        case .noSocket: return .failed(.internalError, detail: "the worker could not open another socket")
        case nil:
            let failure = TransferFailure(self)
            return .failed(failure.code, detail: failure.detail)
        }
    }
}
