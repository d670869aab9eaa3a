import Dispatch
import Outbox
import Synchronization

/// Resolves names on a few threads and judges every address, for all couriers of a pool.
///
/// libcurl's own resolver would start a thread for each look-up, so that thousands of endpoints with a dead name server
/// would mean thousands of threads. It would also dial addresses that the policy has not judged.
final class NameService: Sendable {
    typealias Waiter = @Sendable (NameAnswer, _ freshUntil: ContinuousClock.Instant) -> Void

    private let resolver: any NameResolver
    private let judge: @Sendable (IPAddress) -> Bool
    private let limits: CourierConfiguration.Names
    private let cache: Mutex<NameCache<Waiter>>
    /// Queues without work. They are serial: each has a thread of its own when it needs one. Look-ups that block on a
    /// concurrent queue would take the threads that the whole process shares, and Dispatch waits a second before it makes
    /// another.
    private let idleQueues: Mutex<[DispatchQueue]>
    private let clock = DispatchQueue(label: "postrider.names.budget")

    init(
        limits: CourierConfiguration.Names, resolver: any NameResolver, judge: @escaping @Sendable (IPAddress) -> Bool
    ) {
        self.limits = limits
        self.resolver = resolver
        self.judge = judge
        cache = Mutex(NameCache(limits: limits))
        idleQueues = Mutex((0..<max(1, limits.maximumThreads)).map { DispatchQueue(label: "postrider.names.\($0)") })
    }

    /// The answer for `name` if it is known. If not, returns nil and calls `waiter` with it later, once, on any thread.
    func lookUp(_ name: String, waiter: @escaping Waiter) -> (NameAnswer, freshUntil: ContinuousClock.Instant)? {
        switch cache.withLock({ $0.lookUp(name, now: .now, waiter: waiter) }) {
        case .answer(let answer, let freshUntil):
            return (answer, freshUntil)
        case .wait:
            return nil
        case .begin(let flight):
            let budget = Int(clamping: limits.budget.attoseconds / 1_000_000_000_000)
            clock.asyncAfter(deadline: .now() + .microseconds(budget)) { [weak self] in
                self?.expire(name, flight: flight)
            }
            startNext()
            return nil
        }
    }

    /// The answer for an address that is written in a URL.
    func judge(literal address: IPAddress) -> NameAnswer {
        guard judge(address) else { return .blocked(address) }
        return .vetted(cache.withLock { $0.vet([address]) })
    }

    private func startNext() {
        while let name = cache.withLock({ $0.next() }) {
            // There is always one: no more look-ups run than there are queues, and each returns its queue first.
            guard let queue = idleQueues.withLock({ $0.popLast() }) else { return }
            queue.async { [self] in resolve(name, on: queue) }
        }
    }

    private func resolve(_ name: String, on queue: DispatchQueue) {
        let result: Result<[IPAddress], NameResolutionError>
        do throws(NameResolutionError) {
            result = .success(try resolver.addresses(of: name))
        } catch {
            result = .failure(error)
        }
        idleQueues.withLock { $0.append(queue) }
        let (waiters, answer, freshUntil) = cache.withLock { $0.finish(name, result, now: .now, judge: judge) }
        for waiter in waiters { waiter(answer, freshUntil) }
        startNext()
    }

    private func expire(_ name: String, flight: UInt64) {
        guard let (waiters, answer, freshUntil) = cache.withLock({ $0.expire(name, flight: flight, now: .now) }) else {
            return
        }
        for waiter in waiters { waiter(answer, freshUntil) }
    }
}
