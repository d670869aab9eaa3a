import Outbox
import Postgres

@testable import OutboxStore
@testable import Worker

/// A database that is kept in order: it remembers what it was asked, in the order of asking.
final class FakeHouseStore: HouseStore, UpkeepStore, RegistrationStore {
    struct Content: Sendable {
        var state: Result<DatabaseState?, PostgresError>
        /// What each duty fails with, by its name.
        var failures: [String: PostgresError] = [:]
        var due: [Duty] = Duty.allCases
        /// How often in a row duties failed, by any worker.
        var failuresInARow: [Duty: Int32] = [:]
        /// Duties that another worker does.
        var taken: Set<Duty> = []
        /// Whether the list of workers has the one that asks.
        var isListed = true
        var endpoints: [EndpointRecord] = []
        var registrations: [Result<Int32?, PostgresError>] = []

        var verifications: [DueVerification] = []
        /// The state that the end of a verification leaves, or what it fails with.
        var ends: Result<String?, PostgresError> = .success("active")
        var ended: [VerificationEnd] = []

        var asked: [String] = []
        var beats: [WorkerPulse] = []
    }

    let content: Shared<Content>
    let closed = Signal()
    let rested = Signal()

    /// - Parameter clock: of the database, in microseconds since 1970.
    init(clock: Int64 = 1_700_000_000_000_000) {
        content = Shared(Content(state: .success(Self.healthy(clock: clock))))
    }

    static func healthy(clock: Int64) -> DatabaseState {
        DatabaseState(isReadOnly: false, schemaVersion: Migration.newest, clock: clock)
    }

    /// What it was asked, once for each time.
    var asked: [String] { content.value.asked }

    /// Changes what the database says about itself.
    func says(_ change: (inout DatabaseState) -> Void) {
        var row = Self.healthy(clock: 1_700_000_000_000_000)
        change(&row)
        let state = row
        content.change { $0.state = .success(state) }
    }

    private func ask(_ what: String) throws(PostgresError) {
        let failure = content.change { content in
            content.asked.append(what)
            return content.failures[what]
        }
        if let failure { throw failure }
    }

    func readState() async throws(PostgresError) -> DatabaseState? {
        try ask("state")
        return try content.value.state.get()
    }

    func beat(_ worker: Int32, _ pulse: WorkerPulse) async throws(PostgresError) -> Bool {
        content.change { $0.beats.append(pulse) }
        try ask("beat \(worker)")
        return content.value.isListed
    }

    func forget(_ worker: Int32) async throws(PostgresError) { try ask("forget \(worker)") }

    func keepSubscriptions() async throws(PostgresError) -> Int32? {
        try ask("subscriptions")
        return 1
    }

    func keepLeases() async throws(PostgresError) -> Int32? {
        try ask("leases")
        return 1
    }

    func endpoints(after: Int32, limit: Int32) async throws(PostgresError) -> [Int32] {
        try ask("endpoints after \(after)")
        return Array(content.value.endpoints.map(\.id).filter { $0 > after }.prefix(Int(limit)))
    }

    func loadEndpoints(_ ids: [Int32]) async throws(PostgresError) -> [EndpointRecord] {
        content.value.endpoints.filter { ids.contains($0.id) }
    }

    func takeVerifications(_ limit: Int32) async throws(PostgresError) -> [DueVerification] {
        content.change { content in
            let taken = content.verifications.prefix(Int(limit))
            content.verifications.removeFirst(taken.count)
            return Array(taken)
        }
    }

    func end(_ verification: VerificationEnd) async throws(PostgresError) -> String? {
        content.change { $0.ended.append(verification) }
        return try content.value.ends.get()
    }

    func duties() async throws(PostgresError) -> [DutyMark] {
        try ask("due")
        let content = content.value
        return Duty.allCases.map { duty in
            DutyMark(
                name: duty.rawValue, isDue: content.due.contains(duty), failures: content.failuresInARow[duty] ?? 0)
        }
    }

    func take(_ duty: Duty) async throws(PostgresError) -> Bool {
        try ask("take \(duty.rawValue)")
        return !content.value.taken.contains(duty)
    }

    func perform(_ duty: Duty, limit: Duration) async throws(PostgresError) -> String? {
        try ask(duty.rawValue)
        return "1"
    }

    func note(_ error: String, of duty: Duty) async throws(PostgresError) { try ask("note \(duty.rawValue) \(error)") }

    func register(name: String, version: String) async throws(PostgresError) -> Int32? {
        try ask("register \(name) \(version)")
        return try content.change { $0.registrations.isEmpty ? .success(1) : $0.registrations.removeFirst() }.get()
    }

    func rest() async { rested.send() }
    func closeSoon() { closed.send() }
    func close() async { closeSoon() }
}
