import Courier
import Outbox
import OutboxStore

/// Turns claimed deliveries, their events and endpoints into requests, and into settlements where nothing can be sent.
/// No I/O.
struct DeliveryBuilder: Sendable {
    /// What became of a claim: each delivery of it is here once, as a request or as a settlement.
    struct Built: Sendable {
        var requests: [OutgoingDelivery] = []
        var settled: [Settlement] = []
        /// Endpoints that this process cannot send to and another one may; their deliveries are among `settled`, given back.
        var heldBack: [Int32: SendingObstacle] = [:]
    }

    let leaseSlack: Duration

    /// - Parameters:
    ///   - unreadable: events whose rows cannot be read.
    ///   - seen: what filters and transforms said of events that are not to be sent.
    ///   - passing: endpoints of which the first delivery passes others in the couriers.
    ///   - claimRequestedAt: when the claim was sent: the lease began later than that.
    ///   - wallClock: microseconds since 1970.
    func build(
        _ deliveries: [ClaimedDelivery], events: [StoredEvent], unreadable: [EventKey: SendingObstacle] = [:],
        seen: [EventKey: DeliveryObservation] = [:], endpoints: EndpointCache, passing: Set<Int32> = [],
        claimRequestedAt: ContinuousClock.Instant,
        now: ContinuousClock.Instant, wallClock: Int64
    ) -> Built {
        var parcels = Parcels(events, unreadable, seen)
        var passing = passing
        var built = Built()
        built.requests.reserveCapacity(deliveries.count)
        for delivery in deliveries {
            guard let endpoint = endpoints[delivery.endpoint] else {
                built.settled.append(Settlement(delivery, .released))
                continue
            }
            let passes = passing.remove(delivery.endpoint) != nil
            switch next(delivery, endpoint, &parcels, passes, claimRequestedAt: claimRequestedAt, now: now) {
            case .send(let request): built.requests.append(request)
            case .settle(.unsendable(let obstacle)) where obstacle.isHeldBack:
                built.heldBack[endpoint.id] = obstacle
                built.settled.append(
                    Settlement(delivery, to: endpoint, after: .heldBack, now: now, wallClock: wallClock))
            case .settle(let observation):
                built.settled.append(
                    Settlement(delivery, to: endpoint, after: observation, now: now, wallClock: wallClock))
            }
        }
        return built
    }

    private enum Next {
        case send(OutgoingDelivery)
        case settle(DeliveryObservation)
    }

    /// What is known before anything is sent. The first thing that stands in the way is the one that is recorded.
    private func next(
        _ delivery: ClaimedDelivery, _ endpoint: Endpoint, _ parcels: inout Parcels, _ passes: Bool,
        claimRequestedAt: ContinuousClock.Instant, now: ContinuousClock.Instant
    ) -> Next {
        guard delivery.attemptBase >= 0 else { return .settle(.cancelled) }
        guard !delivery.hasLastNumber else { return .settle(.numbersUsedUp) }
        if let invalidity = endpoint.invalidity { return .settle(.unsendable(invalidity)) }
        guard !endpoint.policy.isBeyondLast(delivery.attemptInSchedule) else { return .settle(.noneLeft) }
        if let obstacle = parcels.unreadable[delivery.eventKey] { return .settle(.unsendable(obstacle)) }
        guard let parcel = parcels.index(of: delivery.eventKey) else { return .settle(.eventMissing) }
        let expiresIn = delivery.ignoresExpiry ? nil : parcels[parcel].event.expiresIn
        if let expiresIn, expiresIn <= .zero { return .settle(.expired) }
        if let seen = parcels.seen[delivery.eventKey] { return .settle(seen) }
        do throws(SendingObstacle) {
            let settings = try endpoint.settings.get()
            let lease = Lease(timeout: endpoint.timeout, slack: leaseSlack)
            return .send(
                OutgoingDelivery(
                    delivery, to: endpoint, settings: settings, event: try parcels[parcel].headers.get(),
                    body: try parcels[parcel].body(settings.recipe),
                    mustStartBefore: lease.mustStartBefore(claimRequestedAt: claimRequestedAt),
                    expiresAt: expiresIn.map { now + $0 }, passesOthers: passes))
        } catch {
            return .settle(.unsendable(error))
        }
    }
}

/// The events of a claim, each with the bodies that were made of it: one for each format, however many endpoints it goes to.
private struct Parcels {
    struct Parcel {
        let event: StoredEvent
        let headers: Result<EventHeaders, SendingObstacle>
        private var envelope: RequestBody?
        private var raw: RequestBody?
        /// The bodies in other formats. Most endpoints have none of them.
        private var others: [BodyRecipe: RequestBody] = [:]

        init(_ event: StoredEvent) {
            self.event = event
            headers = Result { () throws(SendingObstacle) in try EventHeaders(event) }
        }

        mutating func body(_ recipe: BodyRecipe) throws(SendingObstacle) -> RequestBody {
            if event.isMade { return RequestBody(event.content) }
            return switch recipe.format {
            case .envelope where event.bodyContentType == nil: try body(recipe, keptIn: \.envelope)
            case .envelope, .raw, .cloudEventsBinary: try body(recipe, keptIn: \.raw)
            case .cloudEvents, .slack, .discord, .teams: try body(recipe, keptIn: \.others[recipe])
            }
        }

        private mutating func body(
            _ recipe: BodyRecipe, keptIn place: WritableKeyPath<Self, RequestBody?>
        ) throws(SendingObstacle) -> RequestBody {
            if let made = self[keyPath: place] { return made }
            let made = RequestBody(
                try recipe.body(
                    EventContent(
                        id: event.webhookID, type: event.eventType, createdAt: event.createdAt, bytes: event.content,
                        bodyContentType: event.bodyContentType)))
            self[keyPath: place] = made
            return made
        }
    }

    private var parcels: [Parcel]
    private let places: [EventKey: Int]
    let unreadable: [EventKey: SendingObstacle]
    let seen: [EventKey: DeliveryObservation]

    init(
        _ events: [StoredEvent], _ unreadable: [EventKey: SendingObstacle], _ seen: [EventKey: DeliveryObservation]
    ) {
        parcels = events.map(Parcel.init)
        places = Dictionary(
            zip(events.map(\.key), events.indices), uniquingKeysWith: { first, _ in first })
        self.unreadable = unreadable
        self.seen = seen
    }

    func index(of event: EventKey) -> Int? { places[event] }

    subscript(place: Int) -> Parcel {
        get { parcels[place] }
        _modify { yield &parcels[place] }
    }
}
