import Foundation
import Testing

@testable import Webhooks

@Suite("CloudEvents")
struct CloudEventTests {
    private func event(source: String = "/postrider") -> CloudEvent {
        CloudEvent(
            id: "evt_1", type: "order.paid", source: source, time: EventTime(microseconds: 1_700_000_000_000_000))
    }

    @Test("structured, the payload verbatim")
    func structured() {
        let body = event().structuredBody(data: Array(#"{"n": 1.0}"#.utf8), contentType: nil)
        #expect(
            String(decoding: body, as: UTF8.self)
                == #"{"specversion":"1.0","id":"evt_1","type":"order.paid","source":"/postrider","#
                + #""time":"2023-11-14T22:13:20.000000Z","datacontenttype":"application/json","data":{"n": 1.0}}"#)
        let binary = event().structuredBody(data: [0, 255], contentType: "image/png")
        #expect(
            String(decoding: binary, as: UTF8.self).hasSuffix(#""datacontenttype":"image/png","data_base64":"AP8="}"#))
    }

    @Test("binary, the attributes in headers")
    func binary() {
        let fields = event(source: CloudEvent.source(ofTenant: "a b/ü")).binaryFields
        #expect(Set(fields.map(\.name)) == CloudEvent.binaryNames)
        // The source is percent-encoded as a path, and what the header holds of it once more.
        #expect(fields.contains { $0.name == "ce-source" && $0.value == "/postrider/a%2520b%252F%25C3%25BC" })
        #expect(fields.contains { $0.name == "ce-time" && $0.value == "2023-11-14T22:13:20.000000Z" })
    }

    @Test("the example of the specification")
    func example() {
        #expect(CloudEvent.headerValue("Euro € 😀") == "Euro%20%E2%82%AC%20%F0%9F%98%80")
        #expect(CloudEvent.headerValue(#"a"b%c"#) == "a%22b%25c")
    }

    @Test("any text comes back, and is visible ASCII on the way")
    func anyText() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var text = ""
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                let range: ClosedRange<UInt32> = Bool.random(using: &generator) ? 0...0x7f : 0...0x10ffff
                if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &generator)) {
                    text.unicodeScalars.append(scalar)
                }
            }
            let value = CloudEvent.headerValue(text)
            #expect(value.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x22 })
            #expect(value.removingPercentEncoding == text)
        }
    }
}
