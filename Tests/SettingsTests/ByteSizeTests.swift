import Testing

@testable import Settings

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
        #expect(ByteSize.parse(text) == bytes)
        #expect(ByteSize.format(bytes) == written)
        #expect(ByteSize.parse(written) == bytes)
    }

    @Test(
        "what is refused",
        arguments: [
            "", " ", "-1", "+1", "1.5 MiB", "64 MB", "64 mib", "64  MiB", "MiB", " 64 MiB", "64 MiB ", "64 ", "0x10",
            "1e3", "٣",
            "99999999999999999999", "999999999999999999 GiB",
        ])
    func refused(text: String) {
        #expect(ByteSize.parse(text) == nil)
    }
}
