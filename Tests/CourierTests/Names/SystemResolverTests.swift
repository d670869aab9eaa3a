import Foundation
import Outbox
import Testing

@testable import Courier

@Suite("The system's resolver")
struct SystemResolverTests {
    private static let hosts = """
        # comment
        127.0.0.1\tlocalhost  loop.example # not.example
        ::1 localhost
        10.0.0.5   Shop.Example
        999.1.1.1  bad.example
        ::ffff:10.0.0.6 mapped.example
        """

    @Test(
        "/etc/hosts is read as hosts(5) says",
        arguments: [
            ("localhost", [IPAddress.v4(0x7F00_0001), .v6(high: 0, low: 1)]), ("shop.example", [.v4(0x0A00_0005)]),
            ("LOOP.EXAMPLE", [.v4(0x7F00_0001)]), ("not.example", []), ("bad.example", []), ("example", []),
            ("mapped.example", [.v4(0x0A00_0006)]),
        ])
    func hostsFile(_ name: String, _ expected: [IPAddress]) {
        #expect(HostsFile(text: Self.hosts).addresses(of: name) == expected)
    }

    @Test("The hosts file comes first; what it does not hold is asked for as an absolute name")
    func order() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("hosts-\(UUID().uuidString)").path
        try Self.hosts.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try SystemResolver(hostsPath: path).addresses(of: "shop.example") == [.v4(0x0A00_0005)])
        // glibc would find this one in its own hosts file, were it not for the trailing dot.
        #expect(throws: NameResolutionError.self) {
            try SystemResolver(hostsPath: "/nonexistent").addresses(of: ProcessInfo.processInfo.hostName)
        }
    }

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
