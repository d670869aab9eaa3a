import Outbox
import Testing

@testable import Courier

@Suite("This machine's own addresses")
struct OwnAddressesTests {
    private static let own = IPAddress.v4(0x0909_0909)

    @Test("The interfaces are read, the loopback one among them")
    func interfaces() {
        #expect(OwnAddresses.ofInterfaces().contains(.loopback))
    }

    @Test("An address that an interface gets is seen when the list has ended, and the list is read once until then")
    func lifetime() {
        let reads = Counter(0)
        let addresses = OwnAddresses { reads.decrement() < -1 ? [Self.own] : [] }
        let now = ContinuousClock.now
        #expect(!addresses.contains(Self.own, now: now))
        #expect(!addresses.contains(Self.own, now: now + OwnAddresses.lifetime - .nanoseconds(1)))
        #expect(addresses.contains(Self.own, now: now + OwnAddresses.lifetime))
        #expect(addresses.contains(.v6(high: 0, low: 0xFFFF_0909_0909), now: now + OwnAddresses.lifetime))
        #expect(reads.decrement() == -3)
    }

    @Test("A public one is blocked, unless its network is allowed")
    func verdict() throws {
        #expect(AddressPolicy().verdict(Self.own) == .allowed)
        #expect(AddressPolicy().verdict(Self.own, isOwn: true) == .blocked(.ownAddress))
        #expect(AddressPolicy(allowed: try Network.list("9.9.9.0/24")).verdict(Self.own, isOwn: true) == .allowed)
        #expect(!DialJudge(AddressPolicy()).allows(.loopback))
        #expect(DialJudge(AddressPolicy()).allows(Self.own))
    }
}
