import Outbox
import Testing

@testable import CommandLineTool

@Suite struct PingAdviceTests {
    @Test func namesTheEndpointAsAShellTakesIt() {
        #expect(
            PingAdvice.text(endpoint: "it's", status: 401, code: "http_status")
                == #"does the receiver have the same secret? postrider endpoint rotate-secret 'it'\''s' makes a new one"#
        )
        #expect(PingAdvice.text(endpoint: "a", status: 503, code: "http_status") == "see the receiver's own logs")
        #expect(PingAdvice.text(endpoint: "a", status: 301, code: "redirect")?.contains("--url URL") == true)
        #expect(PingAdvice.text(endpoint: "a", status: 200, code: nil) == nil)
    }

    @Test(arguments: [
        ErrorCode.timeout, .connectTimeout, .connectionRefused, .connectionReset, .networkUnreachable, .dnsFailure,
        .tlsFailure, .blockedAddress, .invalidURL, .redirect, .protocolError,
    ])
    func everyFailureOfTheNetworkHasSome(_ code: ErrorCode) {
        #expect(PingAdvice.text(endpoint: "a", status: nil, code: code.rawValue)?.isEmpty == false)
    }
}
