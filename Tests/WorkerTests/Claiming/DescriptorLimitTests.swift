import Testing

@testable import Worker

@Suite struct DescriptorLimitTests {
    @Test(arguments: [
        (65_536, 512, 512), (1024, 512, 512), (1024, 16_384, 976), (64, 512, 16), (48, 512, 1), (0, 512, 1), (64, 1, 1),
    ])
    func deliveriesLeaveTheReserveAlone(limit: Int, wanted: Int, allowed: Int) {
        #expect(DescriptorLimit(count: limit).deliveries(wanted: wanted) == allowed)
    }

    @Test func raisingTwiceChangesNothingMore() {
        let first = DescriptorLimit.raise()
        #expect(first.count >= 256)
        #expect(DescriptorLimit.raise() == first)
    }
}
