import Outbox
import Testing

@Suite("Leases")
struct LeaseTests {
    @Test("an attempt that begins in time ends, and is recorded, within the lease")
    func arithmetic() {
        for (timeout, slack) in [(15, 15), (1, 1), (300, 3_600), (30, 2)] {
            let lease = Lease(timeout: .seconds(timeout), slack: .seconds(slack))
            #expect(lease.duration == .seconds(timeout + slack))
            let asked = ContinuousClock.now
            let start = lease.mustStartBefore(claimRequestedAt: asked)
            #expect(start > asked)
            #expect(start + lease.timeout + lease.settleMargin == asked + lease.duration)
            #expect(lease.settleMargin > .zero)
        }
    }

    @Test("what leaves no room becomes the nearest that does")
    func clamped() {
        for (timeout, slack) in [(0, 15), (301, 15), (-1, 15), (15, 0), (15, -15), (15, 3_601)] {
            let lease = Lease(timeout: .seconds(timeout), slack: .seconds(slack))
            #expect(Limits.timeout.contains(lease.timeout))
            #expect(Limits.leaseSlack.contains(lease.slack))
            #expect(lease.timeout == .seconds(timeout) || lease.slack == .seconds(slack))
            let asked = ContinuousClock.now
            #expect(lease.mustStartBefore(claimRequestedAt: asked) > asked)
        }
        #expect(Lease(timeout: .zero, slack: .zero) == Lease(timeout: .milliseconds(100), slack: .seconds(1)))
    }
}
