import Inbox
import Synchronization

/// Where requests wait for their commit. Those that come while one is on its way share the next.
final class CommitQueue: Sendable {
    /// How many requests may wait. More are answered with 503 at once.
    static let mostWaiting = 4_096
    /// How many bytes of bodies one statement carries at most; a larger body goes alone.
    static let mostBytes = 8 << 20
    /// A request that has waited so long for its statement is answered with 503.
    static let longestWait = Duration.seconds(5)

    struct Entry: Sendable {
        let webhook: ReceivedWebhook
        let since: ContinuousClock.Instant
        fileprivate let continuation: CheckedContinuation<Result<Receipt, Refusal>, Never>

        func finish(_ result: Result<Receipt, Refusal>) {
            continuation.resume(returning: result)
        }
    }

    private struct Inner {
        var waiting: [Entry] = []
        var idle: [CheckedContinuation<Void, Never>] = []
        var isClosed = false
    }

    private let inner = Mutex(Inner())
    private let now: @Sendable () -> ContinuousClock.Instant

    init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.now = now
    }

    var count: Int { inner.withLock(\.waiting.count) }

    /// Waits until a request is committed, or cannot be.
    func store(_ webhook: ReceivedWebhook) async throws(Refusal) -> Receipt {
        let result: Result<Receipt, Refusal> = await withCheckedContinuation { continuation in
            let entry = Entry(webhook: webhook, since: now(), continuation: continuation)
            let (refusal, idle) = inner.withLock { inner -> (Refusal?, CheckedContinuation<Void, Never>?) in
                guard !inner.isClosed else { return (.databaseUnavailable, nil) }
                guard inner.waiting.count < Self.mostWaiting else { return (.queueFull, nil) }
                inner.waiting.append(entry)
                return (nil, inner.idle.popLast())
            }
            if let refusal { entry.finish(.failure(refusal)) }
            idle?.resume()
        }
        return try result.get()
    }

    /// What one statement is to carry, once there is something; nothing when the queue is closed and empty.
    func take() async -> [Entry] {
        while true {
            let (batch, late, isOver) = inner.withLock { inner in
                let late = Self.late(&inner, now())
                return (Self.batch(&inner), late, inner.isClosed)
            }
            for entry in late { entry.finish(.failure(.databaseUnavailable)) }
            if !batch.isEmpty || isOver { return batch }
            await withCheckedContinuation { continuation in
                let mustWait = inner.withLock { inner in
                    guard inner.waiting.isEmpty, !inner.isClosed else { return false }
                    inner.idle.append(continuation)
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        }
    }

    /// Takes nothing more. What waits is still committed.
    func close() {
        let idle = inner.withLock { inner in
            defer { inner.idle = [] }
            inner.isClosed = true
            return inner.idle
        }
        for committer in idle { committer.resume() }
    }

    private static func late(_ inner: inout Inner, _ now: ContinuousClock.Instant) -> [Entry] {
        // They wait in the order in which they came.
        let late = inner.waiting.prefix { now - $0.since > longestWait }
        inner.waiting.removeFirst(late.count)
        return Array(late)
    }

    private static func batch(_ inner: inout Inner) -> [Entry] {
        var (count, bytes) = (0, 0)
        for entry in inner.waiting.prefix(ReceivedWebhook.mostAtOnce) {
            bytes += entry.webhook.body.count
            guard bytes <= mostBytes || count == 0 else { break }
            count += 1
        }
        let batch = inner.waiting.prefix(count)
        inner.waiting.removeFirst(count)
        return Array(batch)
    }
}
