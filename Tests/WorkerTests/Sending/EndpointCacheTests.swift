import Testing

@testable import Worker

@Suite struct EndpointCacheTests {
    @Test func anOlderRevisionThanTheClaimSawIsReadAnew() {
        let cache = Samples.cache(Samples.endpoint())
        #expect(cache.missing(for: [Samples.delivery(revision: 1)], .now).isEmpty)
        #expect(cache.missing(for: [Samples.delivery(revision: 2)], .now) == [1])
        // Revisions are random: a lower one is another state too, after a restore.
        #expect(cache.missing(for: [Samples.delivery(revision: 0)], .now) == [1])
        #expect(cache.missing(for: [Samples.delivery(endpoint: 4)], .now) == [4])
    }

    @Test func isReadAnewAfterAWhile() {
        let cache = Samples.cache(Samples.endpoint())
        #expect(cache.missing(for: [Samples.delivery()], .now + EndpointCache.maximumAge) == [1])
    }
}
