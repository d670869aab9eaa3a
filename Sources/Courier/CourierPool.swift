package import Outbox
import Synchronization

/// Makes requests, no more than a limit at once: libcurl on a few Dispatch queues, one for each core.
///
/// Slow endpoints cost memory, not threads. Every request that is submitted gets exactly one result. What the pool
/// promises about addresses: it resolves a name itself and judges every address, it dials only judged addresses, and it
/// uses a connection only for the endpoint that it was made for.
package final class CourierPool: Sendable {
    /// How much busier than another a courier may be before its endpoints' requests go to the other. Requests of one
    /// endpoint stay together for the sake of kept connections; one busy endpoint must still be able to use every core.
    static let tolerance = 16

    private let couriers: [Courier]

    /// - Parameters:
    ///   - judge: whether the address policy allows an address. Called on many threads, often; must be quick.
    ///   - deliver: takes results, in batches, on a courier's queue. Must not block.
    /// - Throws: ``CourierPoolError`` when the process is out of descriptors or memory.
    package init(
        configuration: CourierConfiguration = CourierConfiguration(),
        judge: @escaping @Sendable (IPAddress) -> Bool,
        deliver: @escaping @Sendable ([CourierResult]) -> Void
    ) throws(CourierPoolError) {
        CurlGlobal.setUp()
        // With a proxy its own name is the only one, and the operator may have put it anywhere.
        let isDirect = configuration.proxy == nil
        let names = NameService(limits: configuration.names) { !isDirect || judge($0) }
        let proxyRecord = ProxyRecord()
        var couriers: [Courier] = []
        for number in 0..<max(1, configuration.couriers) {
            guard
                let courier = Courier(
                    number: number, configuration: configuration, names: names, proxyRecord: proxyRecord,
                    judge: judge, deliver: deliver)
            else { throw CourierPoolError() }
            couriers.append(courier)
        }
        for courier in couriers { courier.start() }
        self.couriers = couriers
    }

    deinit {
        for courier in couriers { courier.close {} }
    }

    /// How many requests have been submitted and have no result yet.
    package var inFlight: Int {
        couriers.reduce(0) { $0 + $1.load.load(ordering: .relaxed) }
    }

    /// How many of them have not begun: they wait for the processor, or for a place.
    package var queued: Int {
        couriers.reduce(0) { $0 + $1.queued.load(ordering: .relaxed) }
    }

    /// Results may come before this returns. After `close`, every result is `notSent(.cancelled)`.
    package func submit(_ batch: [any CourierRequest]) {
        guard couriers.count > 1 else {
            if !batch.isEmpty { couriers[0].submit(batch) }
            return
        }
        var loads = couriers.map { $0.load.load(ordering: .relaxed) }
        var shares = [[any CourierRequest]](repeating: [], count: couriers.count)
        for request in batch {
            let index = Self.courier(for: request.route.id, loads: loads)
            loads[index] += 1
            shares[index].append(request)
        }
        for (courier, share) in zip(couriers, shares) where !share.isEmpty { courier.submit(share) }
    }

    /// Ends all requests that have been submitted: one that was not sent yet has the result `notSent(.cancelled)`, one that
    /// may have been sent `interrupted`. The pool stays usable.
    package func cancelAll() {
        for courier in couriers { courier.cancelAll() }
    }

    /// As ``cancelAll()``, for good. Returns when the last result has been delivered and every connection is closed.
    package func close() async {
        for courier in couriers {
            await withCheckedContinuation { continuation in
                courier.close { continuation.resume() }
            }
        }
    }

    /// Resolves the host and judges every address, as for a request to it.
    func answer(for host: EndpointURL.Host) async -> NameAnswer {
        await withCheckedContinuation { continuation in
            couriers[0].answer(for: host) { continuation.resume(returning: $0) }
        }
    }

    /// Which courier takes a request: the endpoint's own, unless that is much busier than the least busy one.
    static func courier(for endpoint: Int32, loads: [Int]) -> Int {
        let home = Int(endpoint.magnitude) % loads.count
        guard let least = loads.indices.min(by: { loads[$0] < loads[$1] }) else { return home }
        return loads[home] - loads[least] > tolerance ? least : home
    }
}

/// The pool could not be made: the process is out of file descriptors or memory.
package struct CourierPoolError: Error, Sendable, CustomStringConvertible {
    package var description: String { "the courier pool could not be made: no file descriptors or no memory left" }
}
