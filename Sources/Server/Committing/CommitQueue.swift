import Inbox
import Synchronization

/// Where requests wait for their commit. Those that come while one is on its way share the next.
final class CommitQueue: Sendable {
    /// How many requests may wait. More are answered with 503 at once.
    static let mostWaiting = 4_096
    /// How many bytes of bodies one statement carries at most; a larger body goes alone.
    static let mostBytes = 8 << 20
    /// While a commit is on its way, the next begins with so many requests, or
    static let enough = 48
    /// when the first of them has waited so long. Mostly the commit before ends sooner, and all that came by then go at once: then few
    /// threads wake each other, and the statement, of which the first row costs as much as ten others, is shared by as many as can be. A
    /// longer wait would be felt where the disk is slow.
    static let gatherTime = Duration.milliseconds(4)
    /// A request that has waited so long for its statement is answered with 503.
    static let longestWait = Duration.seconds(5)

    struct Entry: Sendable {
        let webhook: ReceivedWebhook
        let since: ContinuousClock.Instant
        /// Is called once, with what became of it.
        let finish: @Sendable (Result<Receipt, Refusal>) -> Void
    }

    private struct Inner {
        var waiting: [Entry] = []
        var idle: [CheckedContinuation<Void, Never>] = []
        /// How many batches are on their way.
        var committing = 0
        /// Whether one who takes waits for more to come.
        var isGathering = false
        var isClosed = false
    }

    private let inner = Mutex(Inner())
    private let now: @Sendable () -> ContinuousClock.Instant

    init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.now = now
    }

    var count: Int { inner.withLock(\.waiting.count) }

    /// Puts a request behind the others.
    ///
    /// - Parameter finish: is called once it is committed, or cannot be; from any thread, and before this returns where there is no room.
    func add(_ webhook: ReceivedWebhook, finish: @escaping @Sendable (Result<Receipt, Refusal>) -> Void) {
        let entry = Entry(webhook: webhook, since: now(), finish: finish)
        let (refusal, idle) = inner.withLock { inner -> (Refusal?, CheckedContinuation<Void, Never>?) in
            guard !inner.isClosed else { return (.databaseUnavailable, nil) }
            guard inner.waiting.count < Self.mostWaiting else { return (.queueFull, nil) }
            inner.waiting.append(entry)
            // With a commit on its way, one of those who are free watches the time, and another is called when there is enough.
            let isWanted = inner.committing == 0 || !inner.isGathering || inner.waiting.count == Self.enough
            return (nil, isWanted ? inner.idle.popLast() : nil)
        }
        if let refusal { entry.finish(.failure(refusal)) }
        idle?.resume()
    }

    /// What one statement is to carry, once there is something; nothing when the queue is closed and empty. To be followed by ``done()``.
    func take() async -> [Entry] {
        while true {
            let next = inner.withLock { Self.next(&$0, now()) }
            switch next {
            case .batch(let batch, let late):
                for entry in late { entry.finish(.failure(.databaseUnavailable)) }
                if !batch.isEmpty { return batch }
            case .over: return []
            case .gather(let time):
                try? await Task.sleep(for: time)
                inner.withLock { $0.isGathering = false }
            case .nothing:
                await withCheckedContinuation { continuation in
                    let mustWait = inner.withLock { inner in
                        guard inner.waiting.isEmpty || inner.isGathering, !inner.isClosed else { return false }
                        inner.idle.append(continuation)
                        return true
                    }
                    if !mustWait { continuation.resume() }
                }
            }
        }
    }

    /// What was taken is committed, or cannot be.
    func done() {
        inner.withLock { $0.committing -= 1 }
    }

    private enum Next {
        /// What to carry, and what has waited too long.
        case batch([Entry], late: [Entry])
        /// Wait for more to come.
        case gather(Duration)
        case nothing
        case over
    }

    private static func next(_ inner: inout Inner, _ now: ContinuousClock.Instant) -> Next {
        guard let first = inner.waiting.first else { return inner.isClosed ? .over : .nothing }
        let waited = now - first.since
        guard inner.committing == 0 || inner.waiting.count >= enough || waited >= gatherTime || inner.isClosed else {
            guard !inner.isGathering else { return .nothing }
            inner.isGathering = true
            return .gather(gatherTime - waited)
        }
        let late = late(&inner, now)
        let batch = batch(&inner)
        if !batch.isEmpty { inner.committing += 1 }
        return .batch(batch, late: late)
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
