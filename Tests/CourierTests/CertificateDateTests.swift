import Testing

@testable import Courier

@Suite struct CertificateDateTests {
    @Test func read() {
        #expect(CertificateDate.secondsSince1970("Nov  8 21:49:28 2026 GMT") == 1_794_174_568)
        #expect(CertificateDate.secondsSince1970("Nov 18 21:49:28 2026 GMT") == 1_795_038_568)
    }

    @Test(arguments: [
        "", " GMT", "Nov  8 21:49:28 2026", "Nov 31 21:49:28 2026 GMT", "Nov  8 25:49:28 2026 GMT", "GMT GMT",
    ])
    func refused(_ text: String) {
        #expect(CertificateDate.secondsSince1970(text) == nil)
    }
}
