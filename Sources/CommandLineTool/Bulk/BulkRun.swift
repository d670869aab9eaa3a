import OutboxStore
import Postgres

/// Does an act to many, slice by slice: each slice is a transaction of its own, so that no lane is held for long.
struct BulkRun {
    /// How many a slice looks at. More would hold a lane for longer than a claim should wait; fewer cost more statements.
    static let slice: Int32 = 1000

    struct Tally: Equatable {
        var changed = 0
        /// Of these, deliveries in flight.
        var inFlight = 0
    }

    let connection: PostgresConnection
    let progress: Progress
    let isPreview: Bool
    /// Goes on record.
    let why: String?

    /// Deliveries of one endpoint, or lane after lane.
    func deliveries(_ act: BulkActs.LiveAct, _ selection: BulkActs.Selection, limit: Int) async throws -> Tally {
        var tally = Tally()
        var record: Int64?
        var lane: Int32 = 0
        while tally.changed < limit,
            let next = try await connection.rows(BulkActs.nextLane(after: lane, selection)).first
                ?? nil
        {
            lane = next
            var place: BulkActs.LanePlace? = BulkActs.LanePlace(lane: lane)
            var woken: Int32 = 0
            while let from = place, tally.changed < limit {
                let count = Int32(clamping: min(Int(Self.slice), limit - tally.changed))
                guard
                    let done = try await connection.rows(
                        BulkActs.slice(
                            act, selection, from: from, count: count, why: why, record: record, isPreview: isPreview)
                    ).first
                else { break }
                tally.changed += Int(done.changed) + Int(done.inFlight)
                tally.inFlight += Int(done.inFlight)
                record = done.record ?? record
                woken += done.woken
                progress.say("\(Plural.deliveries(tally.changed)) so far")
                place = done.next.map { next in
                    var place = from
                    (place.dueAt, place.id) = next
                    return place
                }
                // From the beginning again, for those that were woken.
                if place == nil, woken > 0 { (place, woken) = (BulkActs.LanePlace(lane: lane), 0) }
            }
        }
        return tally
    }

    /// Discards dead letters, the oldest first.
    func discard(_ selection: BulkActs.Selection, limit: Int) async throws -> Tally {
        var tally = Tally()
        var record: Int64?
        var first: Int64? = 1
        while let from = first, tally.changed < limit {
            let count = Int32(clamping: min(Int(Self.slice), limit - tally.changed))
            guard
                let done = try await connection.rows(
                    BulkActs.discard(
                        selection, from: from, count: count, why: why, record: record, isPreview: isPreview)
                ).first
            else { break }
            tally.changed += Int(done.discarded)
            record = done.record ?? record
            first = done.next
            progress.say("\(Plural.deadLetters(tally.changed)) so far")
        }
        return tally
    }
}
