import Outbox
import TestSupport
import Testing

@Suite("IP addresses")
struct IPAddressTests {
    @Test("every case of the list")
    func vectors() throws {
        for vector in try VectorFile("address-texts.tsv", atLeast: 55).cases {
            let text = IPAddress(vector.input)?.description ?? "-"
            #expect(text == vector.expected, "\(vector.testDescription)")
        }
    }

    @Test("octets and text read back as the same address")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 3)
        for count in [4, 16] {
            for _ in 0..<2_000 {
                // Many zeros, so that runs of them occur.
                let octets = (0..<count).map { _ in
                    Bool.random(using: &generator) ? 0 : UInt8.random(in: 0...255, using: &generator)
                }
                let address = try #require(IPAddress(octets: octets))
                #expect(address.octets == octets)
                #expect(IPAddress(address.description) == address, "\(address)")
            }
        }
    }

    @Test("only four or sixteen octets make an address", arguments: [0, 1, 3, 5, 8, 15, 17, 32])
    func octetCount(count: Int) {
        #expect(IPAddress(octets: [UInt8](repeating: 1, count: count)) == nil)
    }

    @Test("random bytes never trap")
    func randomBytes() {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<5_000 {
            _ = IPAddress(generator.text(upTo: 50))
            _ = IPAddress(generator.text(upTo: 50, alphabet: Array("0123456789abcdef:.%".utf8)))
        }
    }
}
