import Outbox
import Synchronization

/// What is known about names, for all couriers of a pool: one look-up a name at a time, every address judged.
///
/// libcurl's own resolver would start a thread for each look-up, and would dial addresses that the policy has not judged.
/// The service runs no look-up itself: it hands an order to the courier that asked first, whose ``NameLookUps`` tell it how
/// that ended.
final class NameService: Sendable {
    /// Takes an answer, or nil when the look-up was abandoned: then it may ask again.
    typealias Waiter = @Sendable ((answer: NameAnswer, freshUntil: ContinuousClock.Instant)?) -> Void

    private let judge: @Sendable (IPAddress) -> Bool
    private let cache: Mutex<NameCache<Waiter>>
    private let hosts: Mutex<HostsFile>

    init(limits: CourierConfiguration.Names, judge: @escaping @Sendable (IPAddress) -> Bool) {
        self.judge = judge
        cache = Mutex(NameCache(limits: limits))
        hosts = Mutex(HostsFile(path: limits.hostsFile))
    }

    /// What ``ask(_:waiter:)`` found.
    struct Reply {
        /// The answer; without one the waiter gets it, once, on any thread, perhaps before `ask` returns.
        var known: (answer: NameAnswer, freshUntil: ContinuousClock.Instant)?
        /// A look-up that the caller has to begin.
        var order: LookUpOrder?
    }

    func ask(_ name: String, waiter: @escaping Waiter) -> Reply {
        switch cache.withLock({ $0.lookUp(name, now: .now, waiter: waiter) }) {
        case .answer(let answer, let freshUntil):
            return Reply(known: (answer, freshUntil))
        case .wait:
            return Reply()
        case .refresh(let answer, let freshUntil, let flight):
            return Reply(known: (answer, freshUntil), order: unlessWritten(LookUpOrder(name: name, flight: flight)))
        case .begin(let flight):
            return Reply(order: unlessWritten(LookUpOrder(name: name, flight: flight)))
        }
    }

    /// The answer for an address that is written in a URL.
    func judge(literal address: IPAddress) -> NameAnswer {
        guard judge(address) else { return .blocked(address) }
        return .vetted(cache.withLock { $0.vet([address]) })
    }

    /// A look-up has ended.
    func finish(_ order: LookUpOrder, _ result: Result<NameRecords, NameResolutionError>) {
        let end = cache.withLock { $0.finish(order.name, flight: order.flight, result, now: .now, judge: judge) }
        guard let end else { return }
        for waiter in end.waiters { waiter((end.answer, end.freshUntil)) }
    }

    /// A look-up has ended without an answer, because its courier is closed.
    func abandon(_ order: LookUpOrder) {
        for waiter in cache.withLock({ $0.abandon(order.name, flight: order.flight) }) { waiter(nil) }
    }

    /// The order, unless the hosts file has the name. Then the look-up is over.
    private func unlessWritten(_ order: LookUpOrder) -> LookUpOrder? {
        let written = hosts.withLock { $0.addresses(of: order.name) }
        guard !written.isEmpty else { return order }
        finish(order, .success(NameRecords(addresses: written, timeToLive: HostsFile.lifetime)))
        return nil
    }
}
