import Foundation
import Outbox
import Testing

@testable import Courier

@Suite("Addresses as text")
struct SocketAddressTests {
    @Test(
        "Addresses are spelt so that libcurl and inet_pton read the same",
        arguments: [
            ("1.2.3.4", "1.2.3.4"), ("::1", "[::1]"),
            ("2001:db8::ff00:42:8329", "[2001:db8::ff00:42:8329]"),
            ("::ffff:1.2.3.4", "1.2.3.4"),
        ])
    func spelling(_ text: String, _ expected: String) throws {
        let address = try #require(SocketAddress.address(ofText: text))
        #expect(VettedAddresses([address], generation: 1).text == expected)
        #expect(SocketAddress.address(ofText: expected.trimmingCharacters(in: ["[", "]"])) == address)
    }

    @Test(
        "Other spellings of an address are none",
        arguments: ["127.1", "0x7f.1", "2130706433", "1.2.3.4.", "fe80::1%lo", ""])
    func noAddress(_ text: String) {
        #expect(SocketAddress.address(ofText: text) == nil)
    }
}
