import Glibc
import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// Events with one ordering key reach each endpoint in the order of insertion, even when requests fail on the way.
    @Suite(.timeLimit(.minutes(2))) struct OrderingTests {
        private static let keys = 5
        private static let events = 200

        private static let names = ["first", "second"]

        @Test func eventsOfAKeyArriveInOrderAlthoughAttemptsFailAtRandom() async throws {
            try await Installation.with { installation in
                let secrets = ["first": Installation.secret, "second": Installation.secret]
                let receiver = try await VerifyingReceiver(secrets, folder: installation.executable.folder, seed: 20)
                let schedule = Array(repeating: "20ms", count: 30).joined(separator: ",")
                for name in Self.names {
                    try await installation.addEndpoint(
                        name, receiver.url("random/\(name)"), "--retry-schedule", schedule)
                }
                let workers = [
                    try await installation.startWorker("worker-1"), try await installation.startWorker("worker-2"),
                    try await installation.startWorker("worker-3"),
                ]
                try await publish(installation)
                try await installation.waitForDelivered(2 * Self.events, within: .seconds(60))
                for worker in workers { try await worker.kill() }
                check(try receiver.all())
            }
        }

        /// In several transactions, so that workers are at work while events still come.
        private func publish(_ installation: Installation) async throws {
            for first in stride(from: 0, to: Self.events, by: 20) {
                try await installation.value(
                    """
                    INSERT INTO postrider.outbox (event_type, payload, ordering_key)
                    SELECT 'key.event', ('{"n":' || n || '}')::json, 'key ' || n % $1::int
                    FROM generate_series($2::int, $2::int + 19) AS n ORDER BY n
                    """, [String(Self.keys), String(first)])
            }
        }

        private func check(_ receipts: [VerifyingReceiver.Receipt]) {
            #expect(receipts.contains { $0.status == 503 })
            #expect(Set(receipts.map(\.verdict)) == ["valid"])
            for name in Self.names {
                let successes = receipts.filter { $0.endpoint == name && $0.status == 200 }.compactMap(\.number)
                for key in 0..<Self.keys {
                    let expected = (0..<Self.events).filter { $0 % Self.keys == key }
                    #expect(successes.filter { $0 % Self.keys == key } == expected)
                }
            }
        }
    }
}
