import OutboxStore
import Postgres
import Settings

extension Claimer {
    /// The rows of a claim. Where the values of one lane spoil it, the others are claimed without that lane.
    func claimRows(
        _ plan: ClaimPlan, _ worker: Int32, lapsed: PostgresTimestamp
    ) async throws(PostgresError) -> (
        rows: [ClaimDeliveries.Row], unreadable: [(key: ClaimPlan.Lane, why: PostgresError)]
    ) {
        var (rowsLeft, bytesLeft) = (plan.budget, Int64(min(plan.byteBudget, Self.bytesPerClaim)))
        return try await Halving.read(plan.lanes) { lanes throws(PostgresError) in
            let rows: [ClaimDeliveries.Row]
            do throws(PostgresError) {
                rows = try await store.claim(
                    ClaimDeliveries(
                        worker: worker, lanes: lanes.map(\.endpoint), froms: lanes.map(\.from),
                        rooms: lanes.map { Int32(clamping: $0.room) },
                        budget: Int32(clamping: rowsLeft), byteBudget: max(1, bytesLeft),
                        leaseSlack: parts.configuration.leaseSlack, lapsed: lapsed))
            } catch {
                // What cannot be decoded is leased all the same, so it must not be claimed once more in halves.
                guard error.code != .unexpectedValue else { throw PostgresError(.unexpectedResult, error.message) }
                throw error
            }
            for case .delivery(let delivery) in rows {
                rowsLeft -= 1
                bytesLeft -= Int64(delivery.bytes)
            }
            return rows
        }
    }
}
