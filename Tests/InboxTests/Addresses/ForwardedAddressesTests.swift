import Foundation
import Inbox
import Outbox
import Testing

@Suite("Who sent a request through proxies")
struct ForwardedAddressesTests {
    @Test("every vector")
    func vectors() throws {
        let folder = try #require(Bundle.module.resourceURL).appendingPathComponent("Vectors")
        let text = try String(contentsOf: folder.appendingPathComponent("forwarded.tsv"), encoding: .utf8)
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.count == 27)
        for line in lines {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            try #require(fields.count == 5)
            let headers =
                fields[2].split(separator: "|").map { (name: "x-Forwarded-FOR", value: String($0)) }
                + (fields[3].isEmpty ? [] : [(name: "Forwarded", value: fields[3])])
            let sender = ForwardedAddresses.sender(
                peer: try #require(IPAddress(fields[0])), headers: headers,
                trusted: try fields[1].split(separator: " ").map { try Network(String($0)) })
            #expect(sender.map { "\($0)" } ?? "-" == fields[4], "\(line)")
        }
    }

    @Test("a sender cannot hide behind many entries")
    func many() throws {
        let list = Array(repeating: "10.0.0.2", count: 100_000).joined(separator: ",")
        let sender = ForwardedAddresses.sender(
            peer: .v4(0x0A00_0001), headers: [(name: "x-forwarded-for", value: "198.51.100.7," + list)],
            trusted: [try Network("10.0.0.0/8")])
        #expect(sender == .v4(0x0A00_0002))
    }
}
