import CoreMetrics
import Courier
import Logging
import Metrics
import Outbox
import OutboxStore
import Telemetry

/// Takes results from the couriers, on their queues, and queues what is to be recorded.
struct ResultReceiver: Sendable {
    let reader = OutcomeReader()
    let queue: SettleQueue
    let metrics: DeliveryMetrics
    let log: Logger
    let wallClock: @Sendable () -> Int64
    let random: @Sendable () -> Double

    func receive(_ results: [CourierResult]) {
        let now = ContinuousClock.now
        let wallClock = wallClock()
        var settlements: [Settlement] = []
        settlements.reserveCapacity(results.count)
        for result in results {
            // The claimer alone submits to this pool, and only deliveries (`Couriers`). Were that broken by a change of ours, to
            // skip the result would keep its permit for ever without a word.
            guard let outgoing = result.request as? OutgoingDelivery else {
                preconditionFailure("a result of a request that is no delivery")
            }
            let settlement = reader.read(result, of: outgoing, now: now, wallClock: wallClock, random: random())
            settlements.append(settlement)
            if settlement.outcome != .released { metrics.attemptDuration.recordMicroseconds(result.timings.total) }
            if let code = settlement.errorCode {
                metrics.count(code)
                report(settlement, code, outgoing, result)
            }
        }
        queue.add(settlements)
    }

    private func report(
        _ settlement: Settlement, _ code: ErrorCode, _ outgoing: OutgoingDelivery, _ result: CourierResult
    ) {
        guard log.logLevel <= .debug || result.blockedAddress != nil else { return }
        var data: [LogKey: Logger.MetadataValue] = [
            .endpoint: "\(outgoing.endpoint.name)", .eventID: "\(settlement.delivery.event)",
            .attempt: "\(settlement.delivery.attempt)", .errorCode: "\(code.rawValue)",
            .error: "\(settlement.error ?? "")",
        ]
        // For the operator only: it says something about the network that this worker is in.
        if let blocked = result.blockedAddress { data[.address] = "\(blocked)" }
        log.log(result.blockedAddress == nil ? .debug : .warning, "an attempt failed", with: data)
    }
}
