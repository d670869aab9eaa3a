package import Postgres

/// Learns which lanes were written to since the last look. See `postrider.look` in the migrations: it misses nothing, and
/// costs what was written.
package struct LookAtLanes: PostgresStatement {
    /// What a look brings: first what it has seen, then the lanes.
    package enum Row: Hashable, Sendable {
        case seen(Seen)
        case found(FoundLane)
    }

    /// Where a look stops reading. A look that brings as much may have missed something: all lanes must be walked then.
    package static let longest: Int32 = 20_000

    package var sql: String {
        let seen = "$1::pg_catalog.text::pg_catalog.pg_snapshot"
        let look = wait > .zero ? "look_waiting(\(seen), $2, $3)" : "look(\(seen), $2)"
        return
            "SELECT l.seen::pg_catalog.text, l.clock, l.endpoint_id, l.due_at, l.count, l.is_changed FROM postrider.\(look) l"
    }
    package let isQualified = true
    package let isFrequent = true

    /// What a look has seen.
    package struct Seen: Hashable, Sendable {
        /// For the next look.
        package let snapshot: String
        /// The database's clock.
        package let clock: PostgresTimestamp
        /// The look before was on another server, so this one finds nothing: all lanes must be walked.
        package let isOtherServer: Bool

        package init(snapshot: String, clock: PostgresTimestamp, isOtherServer: Bool = false) {
            self.snapshot = snapshot
            self.clock = clock
            self.isOtherServer = isOtherServer
        }
    }

    private let seen: String?
    private let wait: Duration

    /// - Parameters:
    ///   - seen: what the look before this one has seen; nil for the first look, which finds no lanes.
    ///   - wait: how long it waits in the database for something to find.
    package init(since seen: String?, waiting wait: Duration = .zero) {
        self.seen = seen
        self.wait = seen == nil ? .zero : wait
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(seen)
        parameters.append(Self.longest)
        if wait > .zero { parameters.append(wait) }
    }

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        guard let endpoint = try row.column(2, as: Int32?.self) else {
            return .seen(
                Seen(snapshot: try row.column(0), clock: try row.column(1), isOtherServer: try row.column(5)))
        }
        return .found(
            FoundLane(
                endpoint: endpoint, dueAt: try row.column(3), count: Int(try row.column(4, as: Int32.self)),
                hasChanged: try row.column(5)))
    }
}

/// Reads what the next open lanes hold, in the order of their ids. See `postrider.walk` in the migrations.
package struct WalkLanes: PostgresStatement {
    /// What a walk brings: lanes, and at last where the next one goes on.
    package enum Row: Hashable, Sendable {
        case found(WalkedLane)
        /// Where the next walk goes on; nil when this was the last lane.
        case reached(Int32?)
    }

    /// How many lanes one statement reads.
    package static let stride: Int32 = 1000

    package let sql = "SELECT w.endpoint_id, w.from_at, w.next_at FROM postrider.walk($1, $2, $3) w"
    package let isQualified = true

    private let worker: Int32
    private let last: Int32

    /// - Parameters:
    ///   - last: the lane that was read last; nil to begin.
    ///   - worker: whose leases do not count, since it knows them; nil to count all.
    package init(after last: Int32?, exceptHeldBy worker: Int32?) {
        self.worker = worker ?? 0
        self.last = last ?? 0
    }

    package func bind(_ parameters: inout PostgresParameters) {
        parameters.append(worker)
        parameters.append(last)
        parameters.append(Self.stride)
    }

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        guard let from = try row.column(1, as: PostgresTimestamp?.self) else { return .reached(try row.column(0)) }
        return .found(WalkedLane(endpoint: try row.column(0), from: from, nextAt: try row.column(2)))
    }
}

/// A lane that was written to.
package struct FoundLane: Hashable, Sendable {
    package let endpoint: Int32
    /// The earliest `due_at` of the rows that were written; it may be in the future. Infinity if there are none.
    package let dueAt: PostgresTimestamp
    /// How many rows were counted; 64 and more means many.
    package let count: Int
    /// Whether its endpoint was changed: paused, resumed, given other limits.
    package let hasChanged: Bool

    package init(endpoint: Int32, dueAt: PostgresTimestamp, count: Int = 1, hasChanged: Bool = false) {
        self.endpoint = endpoint
        self.dueAt = dueAt
        self.count = count
        self.hasChanged = hasChanged
    }
}

/// A lane with live rows that a walk over all of them came by.
package struct WalkedLane: Hashable, Sendable {
    package let endpoint: Int32
    /// The earliest `due_at` of its live rows.
    package let from: PostgresTimestamp
    /// When the first of them may be claimed: when one without a lease is due, or when a lease ends before that.
    package let nextAt: PostgresTimestamp

    package init(endpoint: Int32, from: PostgresTimestamp, nextAt: PostgresTimestamp) {
        self.endpoint = endpoint
        self.from = from
        self.nextAt = nextAt
    }
}
