import Logging
import Outbox
import OutboxStore
import Postgres
import Telemetry

/// From a claim to the couriers: what has to be read, and what is left to other workers.
extension Claimer {
    func dispatch(
        _ claimed: [ClaimedDelivery], _ plan: ClaimPlan, _ known: inout Knowledge,
        _ requestedAt: ContinuousClock.Instant
    ) async throws(PostgresError) {
        try await load(known.endpoints.missing(for: claimed, now), of: claimed, &known)
        let (claimed, unshaped) = setAside(claimed, plan, known.endpoints, requestedAt)
        let wanted = Set(claimed.map(\.eventKey))
        guard !wanted.isEmpty else { return shaper.submit(unshaped) }
        let (events, unreadable) = try await parts.perform(.fetch) { () async throws(PostgresError) in
            try await Halving.read(Array(wanted)) { keys throws(PostgresError) in try await store.fetchEvents(keys) }
        }
        let built = parts.builder.build(
            claimed, events: events,
            unreadable: Dictionary(
                unreadable.map { ($0.key, SendingObstacle(.invalidEvent, $0.why.message)) },
                uniquingKeysWith: { first, _ in first }),
            endpoints: known.endpoints, passing: plan.passing, claimRequestedAt: requestedAt, now: now,
            wallClock: parts.wallClock())
        if known.heldBack.count > 0 { for request in built.requests { known.heldBack.free(request.endpoint.id) } }
        for (endpoint, obstacle) in built.heldBack {
            let name = known.endpoints[endpoint]?.name ?? "#\(endpoint)"
            let isKeyMissing = obstacle.kind == .keyMissing
            holdBack(endpoint, isKeyMissing: isKeyMissing, "endpoint \(name): \(obstacle.message)", &known)
        }
        parts.settleQueue.add(built.settled)
        couriers.submit(built.requests)
        // Not before: what fails above gives back all that was claimed.
        shaper.submit(unshaped)
    }

    /// Takes those apart that are for the shaper: their endpoint has a filter or a transform.
    private func setAside(
        _ claimed: [ClaimedDelivery], _ plan: ClaimPlan, _ endpoints: EndpointCache,
        _ requestedAt: ContinuousClock.Instant
    ) -> (plain: [ClaimedDelivery], unshaped: [UnshapedDelivery]) {
        guard endpoints.hasShaped else { return (claimed, []) }
        var plain: [ClaimedDelivery] = []
        var unshaped: [UnshapedDelivery] = []
        for delivery in claimed {
            guard let endpoint = endpoints[delivery.endpoint], endpoint.shaping != nil else {
                plain.append(delivery)
                continue
            }
            unshaped.append(
                UnshapedDelivery(
                    delivery: delivery, endpoint: endpoint, passes: plan.passing.contains(delivery.endpoint),
                    claimRequestedAt: requestedAt))
        }
        return (plain, unshaped)
    }

    /// Reads endpoints. One that cannot be read, or is not there, becomes one to which nothing can be sent.
    private func load(
        _ missing: [Int32], of claimed: [ClaimedDelivery], _ known: inout Knowledge
    ) async throws(PostgresError) {
        guard !missing.isEmpty else { return }
        let (records, unreadable) = try await parts.perform(.load) { () async throws(PostgresError) in
            try await Halving.read(missing) { ids throws(PostgresError) in try await store.loadEndpoints(ids) }
        }
        let endpoints = records.map(parts.judge.endpoint)
        known.endpoints.keep(endpoints, now)
        for endpoint in endpoints {
            if let tenant = endpoint.tenant { known.schedule.belongs(endpoint.id, to: tenant) }
            for why in endpoint.secretsLeftOut {
                parts.log.log(
                    .warning, "an older secret is left out of the signatures",
                    with: [.endpoint: "\(endpoint.name)", .error: "\(why)"])
            }
        }
        let why = Dictionary(unreadable.map { ($0.key, $0.why.message) }, uniquingKeysWith: { first, _ in first })
        let read = Set(endpoints.map(\.id))
        let bad = missing.filter { !read.contains($0) }.map { id in
            Endpoint(
                unreadable: id, revision: claimed.filter { $0.endpoint == id }.map(\.revision).max() ?? 0,
                why[id] ?? "the endpoint, its lane or its URL is not there")
        }
        known.endpoints.keep(bad, now)
    }

    func holdBack(_ endpoint: Int32, isKeyMissing: Bool, _ why: String, _ known: inout Knowledge) {
        guard let time = known.time else { return }
        known.schedule.holdBack(endpoint, for: HeldBack.pause, now: time.at(now))
        guard known.heldBack.hold(endpoint, isKeyMissing: isKeyMissing, why, now: now) else { return }
        parts.log.log(
            .warning, "deliveries wait for a worker that can send them",
            with: [.endpoint: "\(endpoint)", .error: "\(why)"])
    }
}
