import Formats
import Testing

@Suite("Hexadecimal digits")
struct HexadecimalTests {
    @Test("every byte reads back, in either case of letters")
    func everyByte() {
        let bytes = (0...255).map { UInt8($0) }
        let text = Hexadecimal.encode(bytes)
        #expect(text.hasPrefix("000102") && text.hasSuffix("fdfeff"))
        #expect(Hexadecimal.decode(text.utf8) == bytes)
        #expect(Hexadecimal.decode(text.uppercased().utf8) == bytes)
    }

    @Test("what is refused", arguments: ["a", "0g", "abc", " 0", "0x"])
    func refused(text: String) {
        #expect(Hexadecimal.decode(text.utf8) == nil)
    }
}
