import TestSupport
import Testing

@testable import Outbox

/// Nearly right inputs by the ten thousand: whatever is accepted keeps what its readers rely upon. `make fuzz` goes on from here.
@Suite("Mutants of the known cases")
struct MutantTests {
    private static let count = 20_000

    private func mutants(of file: String, seed: UInt64) throws -> Mutator {
        Mutator(try VectorFile(file, atLeast: 30).cases.map(\.input), seed: seed)
    }

    @Test("an accepted URL is plain, and is read in one way only")
    func urls() throws {
        var mutants = try mutants(of: "endpoint-urls.tsv", seed: 21)
        var accepted = 0
        for _ in 0..<Self.count {
            let text = mutants.next()
            guard let url = try? EndpointURL(text) else { continue }
            accepted += 1
            let normal = url.absoluteString
            #expect(try EndpointURL(normal) == url, "\(text.debugDescription)")
            #expect(normal.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x5c && $0 != 0x23 })
            #expect(url.port > 0)
            // What stands before the path is scheme, host and port: no user name, nothing encoded, no address in disguise.
            #expect(!url.authority.contains { "@%/?".contains($0) })
            if case .name(let name) = url.host {
                #expect(IPAddress(name) == nil && name.utf8.count <= 253)
                #expect(name.split(separator: ".").last?.contains { $0.isLetter } == true, "\(text.debugDescription)")
            }
        }
        #expect(accepted > Self.count / 50 && accepted < Self.count)
    }

    @Test("an accepted URL of a forbidden address is refused, however it is spelt")
    func addresses() throws {
        var mutants = try mutants(of: "endpoint-urls.tsv", seed: 22)
        let policy = EndpointPolicy(allowHTTP: true)
        var refused = 0
        for _ in 0..<Self.count {
            guard let url = try? EndpointURL(mutants.next()), case .address(let address) = url.host else { continue }
            guard case .blocked = AddressPolicy().verdict(address) else { continue }
            refused += 1
            #expect(throws: EndpointRefusal.self) { try policy.judge(url) }
        }
        #expect(refused > Self.count / 100)
    }

    @Test("an accepted header is one line, and what is read back is the same")
    func headers() throws {
        var mutants = try mutants(of: "headers.tsv", seed: 23)
        var accepted = 0
        for _ in 0..<Self.count {
            let text = mutants.next()
            guard let field = try? HeaderField(text) else { continue }
            accepted += 1
            #expect(try HeaderField(field.line) == field, "\(text.debugDescription)")
            #expect(field.line.utf8.allSatisfy { $0 == 0x09 || (0x20...0x7e).contains($0) })
            #expect(ReservedHeader.reason(field.name) == nil)
        }
        #expect(accepted > Self.count / 50 && accepted < Self.count)
    }

    @Test("a wait is between nothing and the cap, at any time")
    func retryAfter() throws {
        var mutants = try mutants(of: "retry-after.tsv", seed: 24)
        var understood = 0
        for number in 0..<Self.count {
            let now: [Int64] = [784_111_777, 0, .min, .max, -1]
            guard let wait = RetryAfter.wait([mutants.next()], now: now[number % now.count]) else { continue }
            understood += 1
            #expect(wait >= .zero && wait <= Limits.retryAfter)
        }
        #expect(understood > Self.count / 50 && understood < Self.count)
    }

    @Test("a network that is accepted has a prefix and no bits behind it")
    func networks() throws {
        var mutants = try mutants(of: "networks.tsv", seed: 25)
        var accepted = 0
        for _ in 0..<Self.count {
            let text = mutants.next()
            guard let network = try? Network(text) else { continue }
            accepted += 1
            #expect(try Network(network.description) == network, "\(text.debugDescription)")
            #expect(network.contains(network.base) && !network.description.hasSuffix("/0"))
        }
        #expect(accepted > 50 && accepted < Self.count)
    }
}
