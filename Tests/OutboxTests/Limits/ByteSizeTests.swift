import Outbox
import Testing

@Suite("Byte sizes")
struct ByteSizeTests {
    @Test(
        "what is read",
        arguments: [
            ("0", 0, "0"), ("1048576", 1_048_576, "1 MiB"), ("64 MiB", 67_108_864, "64 MiB"),
            ("64MiB", 67_108_864, "64 MiB"),
            ("512 KiB", 524_288, "512 KiB"), ("1 GiB", 1 << 30, "1 GiB"), ("100 B", 100, "100"),
            ("1025", 1_025, "1025"),
        ])
    func read(text: String, bytes: Int, written: String) throws {
        let size = try ByteSize(text)
        #expect(size.bytes == bytes)
        #expect(size.description == written)
        #expect(try ByteSize(size.description) == size)
    }

    @Test(
        "what is refused",
        arguments: [
            "", " ", "-1", "+1", "1.5 MiB", "64 MB", "64 mib", "64  MiB", "MiB", " 64 MiB", "64 MiB ", "64 ", "0x10",
            "1e3", "٣",
            "99999999999999999999", "999999999999999999 GiB",
        ])
    func refused(text: String) throws {
        let error = try #require(throws: InvalidText.self) { try ByteSize(text) }
        #expect(error.concept == .byteSize)
    }
}
