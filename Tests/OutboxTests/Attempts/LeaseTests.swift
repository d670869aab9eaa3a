import Outbox
import Testing

@Suite("Leases")
struct LeaseTests {
    @Test("an attempt that begins in time ends, and is recorded, within the lease")
    func arithmetic() throws {
        for (timeout, slack) in [(15, 15), (1, 1), (300, 3_600), (30, 2)] {
            let lease = try Lease(timeout: .seconds(timeout), slack: .seconds(slack))
            #expect(lease.duration == .seconds(timeout + slack))
            let asked = ContinuousClock.now
            let start = lease.mustStartBefore(claimRequestedAt: asked)
            #expect(start > asked)
            #expect(start + lease.timeout + lease.settleMargin == asked + lease.duration)
            #expect(lease.settleMargin > .zero)
        }
    }

    @Test("what leaves no room is refused")
    func refused() {
        for (timeout, slack) in [(0, 15), (301, 15), (-1, 15), (15, 0), (15, -15), (15, 3_601)] {
            #expect(throws: InvalidText.self) { try Lease(timeout: .seconds(timeout), slack: .seconds(slack)) }
        }
    }
}
