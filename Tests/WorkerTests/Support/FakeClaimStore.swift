import Courier
import Postgres

@testable import OutboxStore
@testable import Worker

/// A database that the claimer looks at: it holds what the test puts there, and remembers what it was asked.
final class FakeClaimStore: ClaimStore {
    struct Content: Sendable {
        var bell: Int64 = 1
        /// The lanes with something due.
        var lanes: [Int32] = []
        /// What the next claims get; later ones get nothing.
        var claims: [[ClaimedDelivery]] = []
        /// What each kind of statement fails with.
        var bellError: PostgresError?
        var claimError: PostgresError?
        var loadError: PostgresError?
        var fetchError: PostgresError?

        var bells = 0
        var looks: [Bool] = []
        var asked: [ClaimDeliveries] = []
        var fetches = 0
    }

    let content = Shared(Content())
    let closed = Signal()

    var asked: [ClaimDeliveries] { content.value.asked }

    func readDoorbell() async throws(PostgresError) -> Int64 {
        let now = content.change { content in
            content.bells += 1
            return content
        }
        if let error = now.bellError { throw error }
        return now.bell
    }

    func discoverLanes(unhinted: Bool) async throws(PostgresError) -> [DiscoverLanes.Row] {
        content.change { content in
            content.looks.append(unhinted)
            return content.lanes.map { DiscoverLanes.Row(endpoint: $0, dueIn: .zero) }
        }
    }

    func claim(_ claim: ClaimDeliveries) async throws(PostgresError) -> [ClaimedDelivery] {
        let (error, claimed): (PostgresError?, [ClaimedDelivery]) = content.change { content in
            content.asked.append(claim)
            guard content.claimError == nil else { return (content.claimError, []) }
            return (nil, content.claims.isEmpty ? [] : content.claims.removeFirst())
        }
        if let error { throw error }
        return claimed
    }

    func loadEndpoints(_ ids: [Int32]) async throws(PostgresError) -> [EndpointRecord] {
        if let error = content.value.loadError { throw error }
        return ids.map { Samples.record($0) }
    }

    func fetchEvents(of claimed: [ClaimedDelivery]) async throws(PostgresError) -> [StoredEvent] {
        content.change { $0.fetches += 1 }
        if let error = content.value.fetchError { throw error }
        return claimed.map { Samples.event($0.event) }
    }

    func closeSoon() { closed.send() }
    func close() async { closeSoon() }
}

/// Couriers that carry nothing: requests stay until the test does something about them.
final class FakeCouriers: Couriers {
    struct Content: Sendable {
        var deliveries: [Int64] = []
        var cancels = 0
        /// What happens on `cancelAll`.
        var onCancel: @Sendable () -> Void = {}
    }

    let content = Shared(Content())

    var deliveries: [Int64] { content.value.deliveries }
    var cancels: Int { content.value.cancels }

    func submit(_ batch: [OutgoingDelivery]) {
        let ids = batch.map(\.delivery.id)
        content.change { $0.deliveries += ids }
    }

    func cancelAll() {
        let act = content.change { content in
            content.cancels += 1
            return content.onCancel
        }
        act()
    }
}
