import Outbox
import OutboxStore
import Postgres

/// The connection to the database that a loop has to itself.
protocol LoopStore: Sendable {
    /// Closes in a moment: a running statement has half a second more, and a database that is away does not hold up the end.
    func closeSoon()

    /// Ends the running statement and closes.
    func close() async
}

/// The statements of a worker's loops.
struct WorkerStore: LoopStore {
    /// How long a statement on a delivery's way may take, and the registration.
    private static let deliveryDeadline = Duration.seconds(10)
    /// How much longer than its wait a look that waits may take. With less, a slow server looks broken; with more, a clock that is
    /// set back makes a worker deaf for longer.
    private static let waitingGrace = Duration.seconds(1)
    private static let houseDeadline = Duration.seconds(5)
    /// On top of what the server allows a duty: then the server ends it, and the connection is kept.
    private static let dutyLeeway = Duration.seconds(2)
    /// Without an answer the list shows a worker that is not alive, until it is forgotten.
    private static let leavingDeadline = Duration.seconds(1)
    /// How long a running statement may still take when its loop is told to stop.
    private static let grace = Duration.milliseconds(500)

    let session: PostgresSession
    let servers: ServerWatch
    /// The loop that it belongs to.
    let purpose: String
    /// For how long the lane of an endpoint that fails closes.
    let pauses: @Sendable () -> [Duration]

    func closeSoon() {
        Task {
            try? await Task.sleep(for: Self.grace)
            await session.close()
        }
    }

    func close() async {
        await session.close()
    }
}

extension WorkerStore: ClaimStore {
    func prepareToClaim(as worker: Int32) async throws(PostgresError) {
        // The database plans the function at the first call of a connection.
        let nothing = ClaimDeliveries(
            worker: worker, lanes: [], froms: [], rooms: [], budget: 0, byteBudget: 0, leaseSlack: .zero)
        _ = try await session.run(nothing, deadline: Self.deliveryDeadline)
    }

    func look(since seen: String?, waiting wait: Duration) async throws(PostgresError) -> [LookAtLanes.Row] {
        // Should the database's clock be set back, the database waits for as long: it is not believed for longer than this.
        let deadline = wait > .zero ? wait + Self.waitingGrace : Self.deliveryDeadline
        return try await session.run(LookAtLanes(since: seen, waiting: wait), deadline: deadline)
    }

    func walk(after last: Int32?, exceptHeldBy worker: Int32?) async throws(PostgresError) -> [WalkLanes.Row] {
        try await session.run(WalkLanes(after: last, exceptHeldBy: worker), deadline: Self.deliveryDeadline)
    }

    func claim(_ claim: ClaimDeliveries) async throws(PostgresError) -> [ClaimDeliveries.Row] {
        try await session.run(claim, deadline: Self.deliveryDeadline)
    }

    func leases(
        of worker: Int32, in lanes: [Int32: PostgresTimestamp]
    ) async throws(PostgresError) -> [ClaimedDelivery] {
        try await session.run(ReadLeases(of: worker, in: lanes), deadline: Self.deliveryDeadline)
    }

    func loadEndpoints(_ ids: [Int32]) async throws(PostgresError) -> [EndpointRecord] {
        try await session.run(LoadEndpoints(ids: ids), deadline: Self.deliveryDeadline)
    }

    func fetchEvents(_ keys: [EventKey]) async throws(PostgresError) -> [StoredEvent] {
        try await session.run(FetchEvents(keys), deadline: Self.deliveryDeadline)
    }
}

extension WorkerStore: ShapeStore {
    func shape(
        _ events: [EventKey], for endpoint: Int32, _ shaping: Shaping
    ) async throws(PostgresError) -> [ShapedEvent] {
        let statement = ShapeEvents(
            events, for: endpoint, filter: shaping.filter, transform: shaping.transform, budget: Shaper.budget)
        let deadline = Shaper.limit + Self.dutyLeeway
        return try await session.withTransaction(deadline: Self.deliveryDeadline) {
            (transaction) async throws(PostgresError) in
            // For this transaction alone: through a pooler the connection is another one's next. The second ends a function that catches
            // the cancellation, once this side has closed the connection.
            try await transaction.execute(
                script: """
                    SET LOCAL statement_timeout = \(Shaper.limit.components.seconds * 1000);
                    SET LOCAL client_connection_check_interval = \(Shaper.limit.components.seconds * 1000)
                    """, deadline: deadline)
            return try await transaction.run(statement, deadline: deadline)
        }
    }
}

extension WorkerStore: SettleStore {
    func settle(
        _ batch: [Settlement], by worker: Int32, again: Bool, leave: Bool, now: ContinuousClock.Instant
    ) async throws(PostgresError) -> [SettleDeliveries.Row] {
        let statement = SettleDeliveries(
            worker: worker, batch: batch, again: again, leave: leave,
            pauses: batch.contains { $0.signal.isStrike } ? pauses() : [], now: now)
        return try await session.run(statement, deadline: Self.deliveryDeadline)
    }
}

extension WorkerStore: RegistrationStore {
    func register(name: String, version: String) async throws(PostgresError) -> Int32? {
        try await session.run(Workers.register(name: name, version: version), deadline: Self.deliveryDeadline).first
    }

    func rest() async { await session.rest() }
}

extension WorkerStore: HouseStore {
    func readState() async throws(PostgresError) -> DatabaseState? {
        try await session.run(Status.database, deadline: Self.houseDeadline).first
    }

    func beat(_ worker: Int32, _ pulse: WorkerPulse) async throws(PostgresError) -> Bool {
        if let greeting = try? await session.run(Greeting.query, deadline: Self.houseDeadline).first {
            try servers.check(greeting, for: purpose)
        }
        return try await !session.run(Workers.beat(worker, pulse), deadline: Self.houseDeadline).isEmpty
    }

    func forget(_ worker: Int32) async throws(PostgresError) {
        try await session.execute(Workers.forget(worker), deadline: Self.leavingDeadline)
    }

    func keepSubscriptions() async throws(PostgresError) -> Int32? {
        try await session.run(Duties.keepSubscriptions, deadline: Self.houseDeadline).first
    }

    func keepLeases() async throws(PostgresError) -> Int32? {
        try await session.run(Duties.keepLeases, deadline: Self.houseDeadline).first
    }

    func takeVerifications(_ limit: Int32) async throws(PostgresError) -> [DueVerification] {
        try await session.run(Verifications.take(limit: limit), deadline: Self.houseDeadline)
    }

    func end(_ verification: VerificationEnd) async throws(PostgresError) -> String? {
        try await session.run(Verifications.end(verification), deadline: Self.houseDeadline).first ?? nil
    }

    func endpoints(after: Int32, limit: Int32) async throws(PostgresError) -> [Int32] {
        try await session.run(EndpointIDs.next(after: after, limit: limit), deadline: Self.houseDeadline)
    }
}

extension WorkerStore: PollStore {
    func endDue(_ limit: Int32) async throws(PostgresError) -> Int32? {
        try await session.run(Polls.endDue(limit: limit), deadline: Self.deliveryDeadline).first
    }

    func takePolls(_ limit: Int32, lease: Duration) async throws(PostgresError) -> [DuePoll] {
        try await session.run(Polls.take(limit: limit, lease: lease), deadline: Self.deliveryDeadline)
    }

    func record(_ end: PollEnd) async throws(PostgresError) -> String? {
        try await session.run(Polls.record(end), deadline: Self.houseDeadline).first ?? nil
    }
}

extension WorkerStore: SurveyStore {
    func survey() async throws(PostgresError) -> SurveyFigures {
        let rows = try await session.run(CensusRow.query(limit: Int32(Survey.named)), deadline: Self.deliveryDeadline)
        let duties = try await session.run(Duties.overview, deadline: Self.houseDeadline)
        let inbox = try await session.run(InboxCensus.query, deadline: Self.deliveryDeadline)
        let expectations = try await session.run(ExpectationCensus.query, deadline: Self.deliveryDeadline)
        return SurveyFigures(
            census: rows.first?.census ?? Census(),
            worst: rows.filter { $0.trouble == .failing }.prefix(Survey.named).compactMap { row in
                row.endpoint.failingFor.map {
                    SurveyFigures.FailingEndpoint(name: row.endpoint.name, tenant: row.endpoint.tenant, failing: $0)
                }
            },
            failingDuties: duties.count { $0.isFailing || $0.isNeglected }, inbox: inbox.first ?? InboxCensus(),
            expectations: expectations.first ?? ExpectationCensus())
    }
}

extension WorkerStore: UpkeepStore {
    func duties() async throws(PostgresError) -> [DutyMark] {
        try await session.run(Duties.marks, deadline: Self.houseDeadline)
    }

    func take(_ duty: Duty) async throws(PostgresError) -> Bool {
        try await session.run(Duties.take(duty), deadline: Self.houseDeadline).first == true
    }

    func perform(_ duty: Duty, limit: Duration) async throws(PostgresError) -> String? {
        let script = Duties.script(duty, limit: limit)
        return try await session.execute(script: script, deadline: limit + Self.dutyLeeway).first
    }

    func note(_ error: String, of duty: Duty) async throws(PostgresError) {
        try await session.execute(Duties.note(error, of: duty), deadline: Self.houseDeadline)
    }
}
