import OutboxStore
import Postgres

/// What `event tail` remembers from look to look. Decides only.
struct EventTail {
    /// The most live deliveries that are followed to their end; of more, the oldest are let go.
    static let mostFollowed = 2_000
    /// The most looks that are remembered, to know from which number on an event can still appear.
    static let mostNotes = 1_000
    /// No event with a number so far below the last one is looked for: some transaction has been open for all that time.
    static let mostBehind: Int64 = 1_000_000
    /// As many numbers may have been drawn by transactions that were open when it began.
    static let atTheStart: Int64 = 10_000

    private struct Key: Hashable {
        let event: Int64
        let createdAt: PostgresTimestamp
        let endpoint: String?
    }

    private struct Entry {
        var status: String
        var attempts: Int32
        var followed: Events.Followed?
        /// In the order in which they came.
        var turn: Int
    }

    /// What the last look saw; nil before the first.
    private(set) var seen: FollowedLook?
    /// Earlier looks: the next transaction then, and the last number then.
    private var notes: [(next: Int64, lastEvent: Int64)] = []
    private var entries: [Key: Entry] = [:]
    private var turn = 0
    /// How many live deliveries were let go.
    private(set) var letGo = 0

    var followed: [Events.Followed] { entries.values.compactMap(\.followed).sorted { $0.event < $1.event } }

    /// An event that the last look did not see has a higher number. It was written by a transaction that was open then, or began later; so
    /// it drew its number after the last of those looks that came before all such transactions.
    var low: Int64 {
        guard let seen else { return 0 }
        let before = notes.lastIndex { $0.next <= seen.oldest }
        // The number is drawn a moment before the transaction gets its own: so one look earlier.
        let low = before.map { notes[max(0, $0 - 1)].lastEvent } ?? notes.first?.lastEvent ?? 0
        return max(low, seen.lastEvent - Self.mostBehind, 0)
    }

    mutating func note(_ look: FollowedLook) {
        if seen == nil {
            notes.append((next: 0, lastEvent: max(0, look.lastEvent - Self.atTheStart)))
        }
        notes.append((next: look.next, lastEvent: look.lastEvent))
        // One before the oldest open transaction has to stay.
        while notes.count > 3, notes.count > Self.mostNotes || notes[2].next <= look.oldest { notes.removeFirst() }
        seen = look
    }

    /// Whether a delivery is to be shown: it is new, or its state has changed.
    mutating func takes(_ delivery: EventDelivery, _ place: Events.LivePlace?) -> Bool {
        let key = Key(event: delivery.event, createdAt: delivery.createdAt, endpoint: delivery.endpoint)
        let known = entries[key]
        guard let place else {
            // What has ended is forgotten; a replay shows it again.
            entries[key] = nil
            return known?.status != delivery.status || known?.attempts != delivery.attempts
        }
        turn += 1
        entries[key] = Entry(
            status: delivery.status, attempts: delivery.attempts,
            followed: Events.Followed(event: delivery.event, createdAt: delivery.createdAt, place: place),
            turn: known?.turn ?? turn)
        if entries.count > Self.mostFollowed, let oldest = entries.min(by: { $0.value.turn < $1.value.turn })?.key {
            entries[oldest] = nil
            letGo += 1
        }
        return known?.status != delivery.status
            || known?.attempts != delivery.attempts && delivery.status != "in_flight"
    }
}
