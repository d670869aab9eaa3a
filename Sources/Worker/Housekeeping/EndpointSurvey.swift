import Outbox
import OutboxStore
import Postgres

/// Judges every endpoint once after the start, a slice at a time, so that a worker says soon what it was not set up for, and not
/// only when there is something to send.
struct EndpointSurvey: Sendable {
    /// Endpoints of one step, and the time between two. A step takes some milliseconds; 100,000 endpoints take four minutes, at less than
    /// a hundredth of a core.
    static let slice: Int32 = 200
    static let pause = Duration.milliseconds(500)

    private var last: Int32 = 0
    /// Endpoints to which this process cannot send, though another may.
    private(set) var unservable = 0
    /// Why the first of them.
    private(set) var why = ""
    private(set) var isOver = false

    /// - Parameters:
    ///   - ids: of the slice after the last one, in ascending order. With fewer than a slice, the survey is over.
    ///   - records: what could be read of them. What cannot be read, no other process can read either.
    mutating func judged(_ ids: [Int32], _ records: [EndpointRecord], by judge: EndpointJudge) {
        isOver = ids.count < Int(Self.slice)
        last = ids.last ?? last
        for record in records {
            do throws(SendingObstacle) {
                _ = try judge.settings(record)
            } catch {
                guard error.isOfThisProcess else { continue }
                unservable += 1
                if unservable == 1 { why = "endpoint \(record.name): \(error.message)" }
            }
        }
    }

    /// One step.
    mutating func step(_ store: any HouseStore, _ judge: EndpointJudge) async throws(PostgresError) {
        let ids = try await store.endpoints(after: last, limit: Self.slice)
        let (records, _) = try await Halving.read(ids) { ids throws(PostgresError) in try await store.loadEndpoints(ids)
        }
        judged(ids, records, by: judge)
    }
}
