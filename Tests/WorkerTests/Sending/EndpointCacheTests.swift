import Outbox
import Testing

@testable import Worker

@Suite struct EndpointCacheTests {
    @Test func anOlderRevisionThanTheClaimSawIsReadAnew() {
        var cache = Samples.cache(Samples.endpoint())
        #expect(cache.missing(for: [Samples.delivery(revision: 1)], .now).isEmpty)
        #expect(cache.missing(for: [Samples.delivery(revision: 2)], .now) == [1])
        // Revisions are random: a lower one is another state too, after a restore.
        #expect(cache.missing(for: [Samples.delivery(revision: 0)], .now) == [1])
        #expect(cache.missing(for: [Samples.delivery(endpoint: 4)], .now) == [4])
    }

    @Test func isReadAnewAfterAWhile() {
        var cache = Samples.cache(Samples.endpoint())
        #expect(cache.missing(for: [Samples.delivery()], .now + EndpointCache.maximumAge) == [1])
    }

    /// Reads what is missing, as the claimer does, 200 lanes a claim; returns how many that were.
    private func use(_ ids: ClosedRange<Int32>, of cache: inout EndpointCache) -> Int {
        var loads = 0
        for first in stride(from: ids.lowerBound, through: ids.upperBound, by: 200) {
            let lanes = first...min(first + 199, ids.upperBound)
            let missing = cache.missing(for: lanes.map { Samples.delivery(endpoint: $0) }, now)
            cache.keep(missing.map(Self.endpoint), now)
            #expect(lanes.allSatisfy { cache[$0]?.id == $0 })
            loads += missing.count
        }
        return loads
    }

    /// One that needs no judging, which takes long.
    private static func endpoint(_ id: Int32) -> Endpoint {
        Endpoint(
            Samples.record(id), policy: .none, timeout: .seconds(1),
            settings: .failure(SendingObstacle(.invalidURL, "none")))
    }

    private let now = ContinuousClock.now

    @Test func aCrowdLargerThanAGenerationIsNotReadAgainAsAWhole() {
        var cache = EndpointCache()
        var loads: [Int] = []
        for _ in 1...4 { loads.append(use(1...30_000, of: &cache)) }
        print("loads of 30,000 endpoints in turn: \(loads)")
        #expect(loads[0] == 30_000)
        for again in loads.dropFirst() { #expect(again <= 20_000) }
        #expect(cache.count <= 2 * EndpointCache.generation)
    }

    @Test func whatIsUsedAllTheTimeIsNotDrivenOutByThoseThatComeOnce() {
        var cache = EndpointCache()
        _ = use(1...100, of: &cache)
        for first in stride(from: Int32(1_000), to: 50_000, by: 10_000) {
            #expect(use(first...first + 9_999, of: &cache) == 10_000)
            #expect(use(1...100, of: &cache) == 0, "\(first)")
        }
    }
}
