import Foundation
import Testing

@testable import CommandLineTool

@Suite struct ReceivedRequestTests {
    private func request(
        body: [UInt8] = [], headers: [String: String] = [:],
        verification: ReceivedRequest.Verification = .unchecked
    ) -> ReceivedRequest {
        ReceivedRequest(
            time: 1_732_060_800, method: "POST", path: "/", headers: headers, body: body, verification: verification)
    }

    @Test func hostileRequestStaysOnItsLines() {
        let text = request(
            body: Array("\u{1b}[2J\nforged".utf8) + [0xff], headers: ["webhook-id": "evt\n2024 forged"]
        ).text
        #expect(
            text == """
                00:00:00  200  POST /  evt\\n2024 forged  scheme none  not verified (no --secret)  12 bytes
                    \\u{1b}[2J\\nforged\u{fffd}
                """)
    }

    @Test func longBodyIsCut() {
        let text = request(body: Array(repeating: UInt8(ascii: "x"), count: 5000)).text
        #expect(text.count < 2100)
        #expect(text.hasSuffix("x…"))
    }

    @Test func jsonSaysWhatTheLineSays() throws {
        let refused = request(
            body: Array("hi".utf8), headers: ["a": "b"],
            verification: .refused(code: "too_old", message: "webhook-timestamp is too old"))
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        #expect(
            String(decoding: try encoder.encode(refused.json), as: UTF8.self) == """
                {"body":"hi","body_bytes":2,"body_truncated":false,"error":"webhook-timestamp is too old",\
                "error_code":"too_old","headers":{"a":"b"},"method":"POST","path":"/","schemes":[],"status":401,\
                "time":"2024-11-20T00:00:00Z","verified":false}
                """)
        #expect(request().json.verified == nil)
        #expect(request(verification: .verified).json.verified == true)
    }

    @Test(arguments: [
        (["webhook-signature": "v1,a", "svix-signature": "v1,a"], "standard"),
        (["x-hub-signature-256": "sha256=a"], "github"), (["stripe-signature": "t=1,v1=a"], "stripe"),
        (["x-slack-signature": "v0=a", "x-slack-request-timestamp": "1"], "slack"),
        (["x-shopify-hmac-sha256": "a"], "shopify"), (["authorization": "Basic YTpi"], "basic"),
        (["authorization": "bearer a"], "bearer"), (["authorization": "Bearer a.b.c"], "jwt"),
        (
            ["stripe-signature": "t=1", "webhook-signature": "v1,a", "authorization": "Bearer a"],
            "standard, stripe, bearer"
        ),
        (["x-signature": "a", "authorization": "Digest"], "none"),
    ])
    func schemeIsRecognised(headers: [String: String], schemes: String) {
        #expect(request(headers: headers).text.contains("  scheme \(schemes)  "))
    }
}
