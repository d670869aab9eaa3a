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
    let permits: Permits
    let metrics: DeliveryMetrics
    let log: Logger
    let proxy: ProxyWatch?
    let wallClock: @Sendable () -> Int64
    let random: @Sendable () -> Double

    func receive(_ results: [CourierResult]) {
        guard !results.isEmpty else { return }
        let now = ContinuousClock.now
        let wallClock = wallClock()
        var settlements: [Settlement] = []
        settlements.reserveCapacity(results.count)
        var answers: [LaneNews.Answered] = []
        answers.reserveCapacity(results.count)
        var texts = AddressText()
        for result in results {
            let rest = proxy?.saw(result.outcome, now)
            // The claimer submits to this pool, and only deliveries and what asks for their tokens (`TokenDesk`), the housekeeper what
            // asks receivers, and the poller polls. Were that broken by a change of ours, to skip the result would keep its permit
            // for ever without a word.
            guard let outgoing = result.request as? OutgoingDelivery else {
                if let side = result.request as? any SideRequest {
                    // Those of the deliveries that waited for it in vain.
                    receive(side.end(result))
                    continue
                }
                preconditionFailure("a result of a request that is no delivery")
            }
            let settlement = reader.read(
                result, of: outgoing, now: now, wallClock: wallClock, random: random(), texts: &texts)
            settlements.append(settlement)
            answers.append(LaneNews.Answered(settlement, took: result.timings.total, rest: rest))
            if settlement.outcome != .released { metrics.attemptDuration.recordMicroseconds(result.timings.total) }
            if let code = settlement.errorCode { report(settlement, code, outgoing, result) }
            if settlement.httpStatus == 401 { outgoing.token?.refused() }
        }
        permits.answered(answers)
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

extension LaneNews.Answered {
    /// What a settlement says of its endpoint.
    ///
    /// - Parameters:
    ///   - microseconds: how long the exchange took.
    ///   - rest: how long its lane rests, where the proxy has failed.
    init(_ settlement: Settlement, took microseconds: Int64, rest: Duration?) {
        let answer: Schedule.Answer =
            switch settlement.outcome {
            // What is filtered is done with as quickly as what is delivered.
            case .delivered, .filtered: .delivered
            case .retry, .dead, .gone, .disabled: .failed
            case .expired, .released, .spent: .none
            }
        self.init(endpoint: settlement.delivery.endpoint, answer: answer, took: .microseconds(microseconds), rest: rest)
    }
}
