import Formats
import Foundation
import Testing

@Suite("Base64")
struct Base64Tests {
    @Test("agrees with Foundation", arguments: 0...100)
    func roundTrip(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 89 &+ count) }
        let text = Base64.encode(bytes)
        #expect(text == Data(bytes).base64EncodedString())
        #expect(Base64.decode(text.utf8) == bytes)
        #expect(Base64.decode(text.utf8.prefix { $0 != UInt8(ascii: "=") }) == bytes)
    }

    @Test(
        "what is refused",
        arguments: [
            "A", "AAAAA", "AA=", "A===", "AAA==", "AAAA=", "AB==", "AAB=", "A A=", "=AAA", "AA==AA==", "AA-_", "AA\n=",
        ])
    func refused(text: String) {
        #expect(Base64.decode(text.utf8) == nil)
    }
}
