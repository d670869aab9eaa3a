import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

extension Measuring {
    @Suite("a delivery")
    struct LogVolumeTests {
        static let count = 5_000

        @Test("writes at most 650 bytes of log beyond its event, and is claimed by HOT updates")
        func bytes() async throws {
            try await TestOutbox.withOwnServer { outbox in
                try await outbox.registerEndpoint()
                try await round(outbox)
                let event = try await outbox.logged {
                    try await outbox.script("ALTER TABLE postrider.outbox DISABLE TRIGGER outbox_3_fan_out")
                    try await outbox.publish(count: Self.count)
                    try await outbox.script("ALTER TABLE postrider.outbox ENABLE TRIGGER outbox_3_fan_out")
                }
                let published = try await outbox.logged { try await outbox.publish(count: Self.count) }
                let before = try await updates(outbox)
                var claimed: [[ClaimedDelivery]] = []
                let claim = try await outbox.logged {
                    while let batch = try await Optional(outbox.ownWorker().claim()), !batch.isEmpty {
                        claimed.append(batch)
                    }
                }
                let after = try await updates(outbox)
                let settle = try await outbox.logged {
                    for batch in claimed { try await outbox.ownWorker().settle(batch, .delivered) }
                }
                #expect(claimed.joined().count == Self.count)
                let steps = [event, published - event, claim, settle].map { $0 / Double(Self.count) }
                let hot = Double(after.hot - before.hot) / Double(after.all - before.all)
                print("bytes of log per event and per fan-out, claim, settle with attempt: \(steps); HOT \(hot)")
                #expect(steps.dropFirst().reduce(0, +) <= 650)
                #expect(after.all - before.all == Int64(Self.count))
                #expect(hot == 1)
            }
        }

        private func updates(_ outbox: TestOutbox) async throws -> (all: Int64, hot: Int64) {
            let counts = try #require(try await TableStatistics.read(outbox.connection)["deliveries"])
            return (counts.updates, counts.hotUpdates)
        }

        /// Warms: catalogs are read, pages exist.
        private func round(_ outbox: TestOutbox) async throws {
            try await outbox.publish(count: Self.count)
            while try await !outbox.ownWorker().work(.delivered).isEmpty {}
        }
    }
}
