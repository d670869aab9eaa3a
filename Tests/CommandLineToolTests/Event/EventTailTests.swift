import Postgres
import Testing

@testable import CommandLineTool
@testable import OutboxStore

struct EventTailTests {
    private func look(_ next: Int64, oldest: Int64? = nil, last: Int64) -> FollowedLook {
        FollowedLook(snapshot: "\(oldest ?? next):\(next):", oldest: oldest ?? next, next: next, lastEvent: last)
    }

    private func delivery(_ event: Int64, _ status: String, attempts: Int32 = 0, endpoint: String? = "a")
        -> EventDelivery
    {
        EventDelivery(
            event: event, webhookID: "evt_x_\(event)", eventType: "x", tenant: "", endpoint: endpoint, status: status,
            attempts: attempts, createdAt: PostgresTimestamp(rawValue: event), age: .zero)
    }

    private func place(_ id: Int64, due: Int64 = 0) -> Events.LivePlace {
        Events.LivePlace(lane: 1, dueAt: PostgresTimestamp(rawValue: due), id: id)
    }

    @Test func showsADeliveryWhenItIsNewAndWhenItsStateChanges() {
        var tail = EventTail()
        var shown = [
            tail.takes(delivery(1, "pending"), place(1)), tail.takes(delivery(1, "pending"), place(1)),
            tail.takes(delivery(1, "in_flight", attempts: 1), place(1)),
            tail.takes(delivery(1, "retrying", attempts: 1), place(1, due: 9)),
        ]
        #expect(shown == [true, false, true, true])
        #expect(tail.followed.map(\.place) == [place(1, due: 9)])
        shown = [
            tail.takes(delivery(1, "retrying", attempts: 2), place(1, due: 9)),
            tail.takes(delivery(1, "delivered", attempts: 3), nil),
            tail.takes(delivery(2, "no_subscriber", endpoint: nil), nil),
        ]
        #expect(shown == [true, true, true])
        #expect(tail.followed.isEmpty)
    }

    @Test func followsALimitedNumber() {
        var tail = EventTail()
        for event in 1...Int64(EventTail.mostFollowed + 3) { _ = tail.takes(delivery(event, "pending"), place(event)) }
        #expect(tail.followed.count == EventTail.mostFollowed)
        #expect(tail.followed.first?.event == 4)
        #expect(tail.letGo == 3)
    }

    /// Transaction 7 is open for three looks. What it draws may be lower than what was seen since.
    @Test func looksFromWhereAnOpenTransactionMayHaveDrawn() {
        var tail = EventTail()
        #expect(tail.low == 0)
        tail.note(look(5, last: 20_000))
        #expect(tail.low == 10_000)
        tail.note(look(7, last: 20_010))
        tail.note(look(9, oldest: 7, last: 20_020))
        tail.note(look(12, oldest: 7, last: 20_030))
        #expect(tail.low <= 20_010)
        tail.note(look(14, oldest: 13, last: 20_040))
        #expect(tail.low <= 20_030 && tail.low > 20_010)
        tail.note(look(20, oldest: 20, last: 20_050))
        #expect(tail.low <= 20_050 && tail.low >= 20_030)
    }

    @Test func remembersALimitedNumberOfLooks() {
        var tail = EventTail()
        for step in 1...Int64(3000) { tail.note(look(step + 10, oldest: 5, last: step)) }
        // However long a transaction stays open, no more than so many numbers are looked at.
        tail.note(look(4000, oldest: 5, last: 5_000_000))
        #expect(tail.low == 5_000_000 - EventTail.mostBehind)
    }
}
