import Courier
import Outbox
import OutboxStore
import Postgres
import Webhooks

/// Turns claimed deliveries, their events and endpoints into requests, and into settlements where nothing can be sent.
/// No I/O.
struct DeliveryBuilder: Sendable {
    /// What became of a claim.
    struct Built: Sendable {
        var requests: [OutgoingDelivery] = []
        var settled: [Settlement] = []
    }

    let leaseSlack: Duration

    /// - Parameters:
    ///   - claimRequestedAt: when the claim was sent: the lease began later than that.
    ///   - wallClock: microseconds since 1970.
    func build(
        _ deliveries: [ClaimedDelivery], events: [StoredEvent], endpoints: EndpointCache,
        claimRequestedAt: ContinuousClock.Instant, now: ContinuousClock.Instant, wallClock: Int64
    ) -> Built {
        var parcels = Dictionary(events.map { ($0.id, Parcel($0)) }, uniquingKeysWith: { first, _ in first })
        var built = Built()
        built.requests.reserveCapacity(deliveries.count)
        for delivery in deliveries {
            guard let endpoint = endpoints[delivery.endpoint] else {
                built.settled.append(Settlement(delivery, .released))
                continue
            }
            // Cancelled while an attempt was under way whose lease then ran out: giving it back closes it.
            guard delivery.attemptBase >= 0 else {
                built.settled.append(Settlement(delivery, .released))
                continue
            }
            // The attempt was counted when it was claimed. One beyond the last means that the last ones never came back.
            guard delivery.attemptInSchedule <= endpoint.policy.maxAttempts else {
                built.settled.append(
                    .unsent(delivery, endpoint, .lostLease, "the worker of the last attempt never reported", wallClock))
                continue
            }
            guard parcels[delivery.event] != nil, let content = parcels[delivery.event]?.body(endpoint.format) else {
                built.settled.append(.unsent(delivery, endpoint, .eventMissing, "the event is gone", wallClock))
                continue
            }
            guard let parcel = parcels[delivery.event] else { continue }
            if let left = parcel.expiresIn, left <= .zero {
                var settlement = Settlement(delivery, .expired)
                settlement.reason = "expires_at had passed"
                built.settled.append(settlement)
                continue
            }
            switch endpoint.settings {
            case .failure(let problem):
                built.settled.append(.unsent(delivery, endpoint, problem.code, problem.message, wallClock))
            case .success(let settings):
                let lease = try? Lease(timeout: endpoint.timeout, slack: leaseSlack)
                built.requests.append(
                    OutgoingDelivery(
                        delivery, to: endpoint, settings: settings, event: parcel.headers, body: content,
                        mustStartBefore: lease?.mustStartBefore(claimRequestedAt: claimRequestedAt) ?? claimRequestedAt,
                        expiresAt: parcel.expiresIn.map { now + $0 }))
            }
        }
        return built
    }

    /// An event with the bodies that were made of it: one for each format, however many endpoints it goes to.
    private struct Parcel {
        let event: StoredEvent
        let headers: EventHeaders
        private var envelope: RequestBody?
        private var raw: RequestBody?

        init(_ event: StoredEvent) {
            self.event = event
            headers = EventHeaders(event)
        }

        var expiresIn: Duration? { event.expiresIn }

        /// A body that is no JSON cannot stand in an envelope: it is sent as it is.
        mutating func body(_ format: PayloadFormat) -> RequestBody {
            guard format == .envelope, event.bodyContentType == nil else {
                let made = raw ?? RequestBody(event.content)
                raw = made
                return made
            }
            let time = EventTime(microseconds: event.createdAt.unixMicroseconds ?? 0)
            let made =
                envelope ?? RequestBody(Envelope.body(type: event.eventType, time: time, payload: event.content))
            envelope = made
            return made
        }
    }
}
