import Outbox
import TestSupport
import Testing

@Suite("Address policy")
struct AddressPolicyTests {
    @Test("every case of the list")
    func vectors() throws {
        for vector in try VectorFile("addresses.tsv", atLeast: 80).cases {
            let address = try #require(IPAddress(vector.input))
            #expect(text(AddressPolicy().verdict(address)) == vector.expected, "\(vector.input)")
        }
    }

    @Test("nothing outside of 2000::/3 is allowed")
    func outsideGlobalUnicast() {
        var generator = SeededGenerator(seed: 5)
        var judged = 0
        for _ in 0..<20_000 {
            let high = UInt64.random(in: 0 ... .max, using: &generator) >> UInt64.random(in: 0...64, using: &generator)
            let address = IPAddress.v6(high: high, low: .random(in: 0 ... .max, using: &generator))
            guard high >> 61 != 1, !address.isIPv4Mapped else { continue }
            judged += 1
            #expect(!AddressPolicy().verdict(address).isAllowed, "\(address)")
        }
        #expect(judged > 10_000)
    }

    @Test("a mapped address is judged like the IPv4 address in it, but never as a literal")
    func mapped() {
        var generator = SeededGenerator(seed: 6)
        for _ in 0..<2_000 {
            let number = UInt32.random(in: 0 ... .max, using: &generator)
            let mapped = IPAddress.v6(high: 0, low: 0xffff << 32 | UInt64(number))
            #expect(AddressPolicy().verdict(mapped) == AddressPolicy().verdict(.v4(number)))
            #expect(AddressPolicy().verdict(literal: mapped) == .blocked(.ipv4Mapped))
        }
    }

    @Test("allowed networks lift the block and nothing else")
    func allowed() throws {
        let policy = AddressPolicy(allowed: try Network.list("127.0.0.0/8, fd00::/8"))
        #expect(policy.verdict(.v4(0x7f00_0001)) == .allowed)
        #expect(policy.verdict(.v6(high: 0, low: 0xffff_7f00_0001)) == .allowed)
        #expect(policy.verdict(.v6(high: 0xfd00 << 48, low: 1)) == .allowed)
        #expect(policy.verdict(.v6(high: 0xfc00 << 48, low: 1)) == .blocked(.uniqueLocal))
        #expect(policy.verdict(.v6(high: 0, low: 1)) == .blocked(.loopback))
        #expect(policy.verdict(.v4(0x0a00_0001)) == .blocked(.privateUse))
    }

    @Test("a zone always blocks")
    func zone() throws {
        let policy = AddressPolicy(allowed: try Network.list("fe80::/10"))
        let address = try #require(IPAddress("fe80::1"))
        #expect(policy.verdict(address) == .allowed)
        #expect(policy.verdict(address, scopeID: 2) == .blocked(.scoped))
    }

    @Test("allowing NAT64 judges the IPv4 address inside")
    func nat64() throws {
        let policy = AddressPolicy(allowed: try Network.list("64:ff9b::/96"))
        #expect(policy.verdict(try #require(IPAddress("64:ff9b::8.8.8.8"))) == .allowed)
        #expect(policy.verdict(try #require(IPAddress("64:ff9b::169.254.169.254"))) == .blocked(.linkLocal))
        #expect(policy.verdict(try #require(IPAddress("64:ff9b::127.0.0.1"))) == .blocked(.loopback))
    }

    private func text(_ verdict: AddressVerdict) -> String {
        switch verdict {
        case .allowed: "allowed"
        case .blocked(let reason): "blocked \(reason.rawValue)"
        }
    }
}
