import Inbox
import Postgres
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Server

@Suite("Commits that requests share", .timeLimit(.minutes(1)))
struct CommittersTests {
    /// A database that takes its time, and refuses what a test wants it to.
    private final class FakeStore: ReceiveStore {
        let batches = Mutex<[[String]]>([])
        let failures = Mutex<Int>(0)
        /// How many requests came with the statements that it was asked for.
        let asked = Mutex<Int>(0)
        private let gate: AsyncStream<Void>
        private let opening: AsyncStream<Void>.Continuation

        init() { (gate, opening) = AsyncStream.makeStream(of: Void.self) }

        func open() { opening.finish() }

        func receive(_ batch: [ReceivedWebhook]) async throws(PostgresError) -> [Receipt] {
            asked.withLock { $0 += batch.count }
            for await _ in gate {}
            batches.withLock { $0.append(batch.map(\.webhookID)) }
            let mustFail = failures.withLock { failures in
                defer { failures = max(0, failures - 1) }
                return failures > 0
            }
            if mustFail { throw PostgresError(.connectionLost, "away") }
            if batch.contains(where: { $0.webhookID == "bad" }) {
                throw PostgresError(.unexpectedValue, "this one is at fault")
            }
            return batch.map { Receipt(inboxID: $0.sourceID, isNew: true) }
        }

        func close() async {}
    }

    private let store = FakeStore()
    private let queue = CommitQueue()
    private let metrics = InboxMetrics(registry: PrometheusRegistry())

    private func webhook(_ id: String, _ number: Int64 = 1, bytes: Int = 0) -> ReceivedWebhook {
        ReceivedWebhook(sourceID: number, webhookID: id, body: [UInt8](repeating: 0, count: bytes), remoteAddress: "")
    }

    /// Sends all of them at once, before the store answers the first.
    private func send(_ webhooks: [ReceivedWebhook]) async throws -> [Result<Receipt, Refusal>] {
        try await withThrowingTaskGroup(of: (Int, Result<Receipt, Refusal>).self) { group in
            let committer = Task { try await Committers(queue, stores: [store], metrics: metrics, log: .silent).run() }
            for (place, webhook) in webhooks.enumerated() {
                group.addTask {
                    do throws(Refusal) {
                        return (place, .success(try await queue.store(webhook)))
                    } catch {
                        return (place, .failure(error))
                    }
                }
            }
            while queue.count + store.asked.withLock({ $0 }) < webhooks.count {
                try await Task.sleep(for: .milliseconds(1))
            }
            store.open()
            var results: [Int: Result<Receipt, Refusal>] = [:]
            for try await (place, result) in group { results[place] = result }
            queue.close()
            try await committer.value
            return webhooks.indices.compactMap { results[$0] }
        }
    }

    @Test("what comes while a commit is on its way shares the next, at most 256 of it")
    func shared() async throws {
        let results = try await send((0..<600).map { webhook("\($0)", Int64($0)) })
        #expect(results.count == 600)
        for (place, result) in results.enumerated() { #expect(try result.get().inboxID == Int64(place)) }
        let sizes = store.batches.withLock { $0.map(\.count) }
        #expect(sizes.reduce(0, +) == 600)
        #expect(sizes.count <= 4 && sizes.allSatisfy { $0 <= 256 })
    }

    @Test("large bodies are spread over several statements")
    func large() async throws {
        _ = try await send((0..<5).map { webhook("\($0)", bytes: 3 << 20) })
        #expect(store.batches.withLock { $0.allSatisfy { $0.count <= 2 } })
    }

    @Test("a request that the database refuses harms itself alone")
    func bad() async throws {
        let results = try await send((0..<100).map { webhook($0 == 57 ? "bad" : "\($0)") })
        let refused = results.indices.filter { if case .failure = results[$0] { true } else { false } }
        #expect(refused == [57])
    }

    @Test("a statement whose fate is unknown is sent again")
    func again() async throws {
        store.failures.withLock { $0 = 2 }
        #expect(try await send([webhook("a")]).first?.get().isNew == true)
        #expect(store.batches.withLock { $0 } == [["a"], ["a"], ["a"]])
    }

    @Test("a queue that is full, or closed, refuses at once")
    func full() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<CommitQueue.mostWaiting {
                group.addTask { _ = try? await queue.store(webhook("\(number)")) }
            }
            while queue.count < CommitQueue.mostWaiting { try await Task.sleep(for: .milliseconds(1)) }
            await #expect(throws: Refusal.queueFull) { try await queue.store(webhook("one more")) }
            queue.close()
            await #expect(throws: Refusal.databaseUnavailable) { try await queue.store(webhook("late")) }
            while case let batch = await queue.take(), !batch.isEmpty {
                for entry in batch { entry.finish(.success(Receipt(inboxID: 1, isNew: true))) }
            }
        }
    }

    @Test("what has waited too long is given up, so that its sender tries again")
    func late() async throws {
        let time = Mutex(ContinuousClock.now)
        let slow = CommitQueue(now: { time.withLock { $0 } })
        let stored = Task { try await slow.store(webhook("a")) }
        while slow.count == 0 { try await Task.sleep(for: .milliseconds(1)) }
        time.withLock { $0 += CommitQueue.longestWait + .milliseconds(1) }
        slow.close()
        #expect(await slow.take().isEmpty)
        await #expect(throws: Refusal.databaseUnavailable) { try await stored.value }
    }
}
