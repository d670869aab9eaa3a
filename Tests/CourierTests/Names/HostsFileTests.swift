import Foundation
import Outbox
import TestSupport
import Testing

@testable import Courier

@Suite("The hosts file")
struct HostsFileTests {
    private static let text = """
        # comment
        127.0.0.1\tlocalhost  loop.example # not.example
        ::1 localhost
        10.0.0.5   Shop.Example
        999.1.1.1  bad.example
        ::ffff:10.0.0.6 mapped.example\r
        10.0.0.5 shop.example
        10.0.0.7
        """

    private let folder: TemporaryFolder
    private var path: String { folder.url.appendingPathComponent("hosts").path }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func write(_ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    @Test(
        "It is read as hosts(5) says",
        arguments: [
            ("localhost", [IPAddress.v4(0x7F00_0001), .v6(high: 0, low: 1)]), ("shop.example", [.v4(0x0A00_0005)]),
            ("LOOP.EXAMPLE", [.v4(0x7F00_0001)]), ("not.example", []), ("bad.example", []), ("example", []),
            ("mapped.example", [.v4(0x0A00_0006)]), ("", []),
        ])
    func reading(_ name: String, _ expected: [IPAddress]) throws {
        try write(Self.text)
        var file = HostsFile(path: path)
        #expect(file.addresses(of: name) == expected)
    }

    @Test("It is read again when it has changed, and once only until then")
    func change() throws {
        var file = HostsFile(path: path)
        #expect(file.addresses(of: "a.example") == [])
        try write("1.2.3.4 a.example\n")
        #expect(file.addresses(of: "a.example") == [.v4(0x0102_0304)])
        try write("1.2.3.44 a.example\n")
        #expect(file.addresses(of: "a.example") == [.v4(0x0102_032C)])
        try FileManager.default.removeItem(atPath: path)
        #expect(file.addresses(of: "a.example") == [])
    }

    @Test("localhost is this machine, whether the file says so or not, unless it says otherwise")
    func localhost() throws {
        var file = HostsFile(path: path)
        #expect(file.addresses(of: "localhost") == [.v4(0x7F00_0001), .v6(high: 0, low: 1)])
        #expect(file.addresses(of: "a.localhost") == [.v4(0x7F00_0001), .v6(high: 0, low: 1)])
        #expect(file.addresses(of: "notlocalhost") == [])
        try write("10.1.1.1 localhost\n")
        #expect(file.addresses(of: "localhost") == [.v4(0x0A01_0101)])
    }

    @Test("Many lines are read in a moment, and no more than the limit of the file")
    func manyLines() throws {
        let lines = (0..<60_000).map { "10.\($0 >> 16).\($0 >> 8 & 255).\($0 & 255) h\($0).example\n" }
        try write(lines.joined())
        var file = HostsFile(path: path)
        let begun = ContinuousClock.now
        #expect(file.addresses(of: "h20000.example") == [.v4(0x0A00_4E20)])
        #expect(begun.duration(to: .now) < .seconds(2))
        #expect(file.addresses(of: "h59999.example") == [], "behind the limit")
    }
}
