import Inbox
import Synchronization
import Testing

@testable import Server

@Suite("What waits for its commit", .timeLimit(.minutes(1)))
struct CommitQueueTests {
    private let clock = Time()
    private let queue: CommitQueue

    init() {
        queue = CommitQueue(now: { [clock] in clock.now })
    }

    /// A clock that a test sets.
    private final class Time: Sendable {
        let start = ContinuousClock.now
        private let passed = Mutex(Duration.zero)

        var now: ContinuousClock.Instant { start + passed.withLock { $0 } }

        func pass(_ time: Duration) { passed.withLock { $0 += time } }
    }

    private func add(_ count: Int) {
        for number in 0..<count {
            queue.add(ReceivedWebhook(sourceID: 1, webhookID: "\(number)", body: [], remoteAddress: "")) { _ in }
        }
    }

    /// How much was taken at once, each time.
    private final class Sizes: Sendable {
        private let noted = Mutex<[Int]>([])

        func note(_ size: Int) { noted.withLock { $0.append(size) } }

        func expect(_ wanted: [Int]) async {
            while noted.withLock({ $0.count }) < wanted.count { try? await Task.sleep(for: .milliseconds(1)) }
            #expect(noted.withLock { $0 } == wanted)
        }
    }

    /// Takes as several committers do, who do not come to the end of their commits by themselves.
    private func taking(_ takers: Int, _ body: (Sizes) async -> Void) async {
        let sizes = Sizes()
        await withDiscardingTaskGroup { group in
            for _ in 0..<takers {
                group.addTask {
                    while case let batch = await queue.take(), !batch.isEmpty { sizes.note(batch.count) }
                }
            }
            await body(sizes)
            queue.close()
        }
    }

    /// Lets those who take come so far that they wait.
    private func settle() async {
        for _ in 0..<20 { try? await Task.sleep(for: .milliseconds(1)) }
    }

    @Test(
        "the first goes at once; while it is on its way few wait for more, enough go, and none waits longer than it may"
    )
    func gathering() async {
        await taking(3) { sizes in
            add(1)
            await sizes.expect([1])
            for _ in 1..<CommitQueue.enough {
                add(1)
                await Task.yield()
            }
            await settle()
            #expect(queue.count == CommitQueue.enough - 1)
            add(1)
            await sizes.expect([1, CommitQueue.enough])
            add(3)
            await settle()
            #expect(queue.count == 3)
            clock.pass(CommitQueue.gatherTime)
            await sizes.expect([1, CommitQueue.enough, 3])
        }
    }

    @Test("what gathers goes with the end of the commit before")
    func done() async {
        await taking(1) { sizes in
            add(1)
            await sizes.expect([1])
            add(2)
            await settle()
            #expect(queue.count == 2)
            queue.done()
            await sizes.expect([1, 2])
        }
    }
}
