import Testing

@testable import Worker

@Suite struct DescriptorLimitTests {
    @Test(arguments: [
        (65_536, 2_048, 2_048), (1_024, 256, 256), (1_024, 2_048, 464), (256, 2_048, 80), (98, 2_048, 1),
        (96, 2_048, 1), (0, 2_048, 1),
    ])
    func deliveriesLeaveTheReserveAlone(limit: Int, wanted: Int, allowed: Int) {
        #expect(DescriptorLimit(count: limit).deliveries(wanted: wanted, couriers: 2) == allowed)
    }

    @Test func raisingTwiceChangesNothingMore() {
        let first = DescriptorLimit.raise()
        #expect(first.count >= 256)
        #expect(DescriptorLimit.raise() == first)
    }
}
