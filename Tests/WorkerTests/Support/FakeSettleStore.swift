import Postgres

@testable import OutboxStore
@testable import Worker

/// A database that the settler records in: it remembers each settle that it was sent.
final class FakeSettleStore: SettleStore {
    struct Settle: Sendable {
        let batch: [Settlement]
        let again: Bool
        let leave: Bool

        var ids: [Int64] { batch.map(\.delivery.id) }
    }

    /// Decides what becomes of a settle: what is not recorded, or an error.
    typealias Answer = @Sendable (Settle) -> Result<[SettleDeliveries.Row], PostgresError>

    let settles = Shared<[Settle]>([])
    let answer: Shared<Answer>
    let closed = Signal()

    init(_ answer: @escaping Answer = { _ in .success([]) }) {
        self.answer = Shared(answer)
    }

    /// Fails with these errors, one after the other, and then records everything.
    convenience init(failing errors: PostgresError...) {
        let left = Shared(errors)
        self.init { _ in left.change { $0.isEmpty ? .success([]) : .failure($0.removeFirst()) } }
    }

    func settle(
        _ batch: [Settlement], by worker: Int32, again: Bool, leave: Bool, now: ContinuousClock.Instant
    ) async throws(PostgresError) -> [SettleDeliveries.Row] {
        let settle = Settle(batch: batch, again: again, leave: leave)
        settles.change { $0.append(settle) }
        return try answer.value(settle).get()
    }

    func closeSoon() { closed.send() }
    func close() async { closeSoon() }
}
