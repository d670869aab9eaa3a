import Outbox
import Testing

@Suite("PEM out of files")
struct PEMTextTests {
    private static let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\nBB==\n-----END CERTIFICATE-----\n"
    private static let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"

    @Test("the blocks of one kind are taken, with plain line ends, and nothing beside them")
    func taken() throws {
        let file =
            "subject=x\r\n" + Self.certificate.replacing("\n", with: "\r\n") + Self.key + "\n\n" + Self.certificate
        #expect(try PEMText(certificates: file, count: 1...2).text == Self.certificate + Self.certificate)
        #expect(try PEMText(privateKey: file).text == Self.key)
    }

    @Test(
        "what cannot be used is refused",
        arguments: [
            "", key, "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nAAAA\n",
            "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nAAAA\n-----END CERTIFICATE-----\n",
            certificate + certificate,
        ])
    func refused(file: String) {
        #expect(throws: InvalidText.self) { try PEMText(certificates: file, count: 1...1) }
    }

    @Test("an encrypted key is refused")
    func encrypted() {
        #expect(throws: InvalidText.self) {
            try PEMText(privateKey: Self.key.replacing("PRIVATE KEY", with: "ENCRYPTED PRIVATE KEY"))
        }
        #expect(throws: InvalidText.self) { try PEMText(privateKey: Self.key + Self.key) }
    }
}
