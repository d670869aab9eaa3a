import OutboxStore
import Postgres

@testable import Worker

/// A database that has polls, and remembers how they ended.
final class FakePollStore: PollStore {
    struct Content: Sendable {
        var due: [DuePoll] = []
        /// How many end at each look.
        var ending: [Int32] = []
        var leases: [Duration] = []
        var ends: [PollEnd] = []
        /// What the record of a poll fails with, by whether it has a body.
        var refusal: @Sendable (PollEnd) -> PostgresError? = { _ in nil }
    }

    let content = Shared(Content())

    func endDue(_ limit: Int32) async throws(PostgresError) -> Int32? {
        content.change { $0.ending.isEmpty ? 0 : $0.ending.removeFirst() }
    }

    func takePolls(_ limit: Int32, lease: Duration) async throws(PostgresError) -> [DuePoll] {
        content.change { content in
            content.leases.append(lease)
            let taken = content.due.prefix(Int(limit))
            content.due.removeFirst(taken.count)
            return Array(taken)
        }
    }

    func record(_ end: PollEnd) async throws(PostgresError) -> String? {
        if let refusal = content.value.refusal(end) { throw refusal }
        content.change { $0.ends.append(end) }
        return "polling"
    }

    func closeSoon() {}
    func close() async {}
}
