import Foundation
import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// What was committed arrives, once; what was rolled back does not.
    @Suite(.timeLimit(.minutes(2))) struct ExactlyOnceTests {
        private static let transactions = 5000
        private static let producers = 4

        @Test func everyCommittedEventArrivesOnceAtEachEndpointAndNoOther() async throws {
            try await Installation.with { installation in
                let receiver = try await VerifyingReceiver(
                    ["first": Installation.secret, "second": Installation.secret],
                    folder: installation.executable.folder)
                for name in ["first", "second"] {
                    try await installation.addEndpoint(name, receiver.url("ok/\(name)"))
                }
                try await installation.value("CREATE TABLE orders (id int)")
                var workers: [RunningProgram] = []
                for number in 1...3 { workers.append(try await installation.startWorker("worker-\(number)")) }
                // From then on `unaccounted` demands a delivery for each event.
                try await eventually("the subscriptions are in effect") {
                    try await installation.count("postrider.subscriptions WHERE effective_at IS NULL") == 0
                }

                try await produce(installation)

                let committed = (0..<Self.transactions).filter { $0 % 10 != 9 }
                try await eventually("all requests come", within: .seconds(60)) {
                    try receiver.count() >= 2 * committed.count
                }
                try await installation.waitForDelivered(2 * committed.count)
                for worker in workers { worker.send(SIGTERM) }
                for worker in workers { #expect(try await worker.status(within: .seconds(30)) == 0) }

                let receipts = try receiver.all()
                for name in ["first", "second"] {
                    #expect(receipts.filter { $0.endpoint == name }.compactMap(\.number).sorted() == committed)
                }
                #expect(receipts.count == 2 * committed.count)
                #expect(Set(receipts.map(\.verdict)) == ["valid"])
                #expect(Set(receipts.map(\.attempt)) == ["1"])
                #expect(try await installation.count("orders") == committed.count)
                #expect(try await installation.count("postrider.unaccounted") == 0)
                #expect(try await installation.count("postrider.event_deliveries") == 2 * committed.count)
            }
        }

        /// All transactions, from several connections at once, so that they commit out of order.
        private func produce(_ installation: Installation) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for producer in 0..<Self.producers {
                    group.addTask {
                        let connection = try await TestDatabase.connect(
                            to: PostgresConfiguration(installation.url, applicationName: "producer"))
                        for number in stride(from: producer, to: Self.transactions, by: Self.producers) {
                            try await connection.execute(
                                script: """
                                    BEGIN;
                                    INSERT INTO orders VALUES (\(number));
                                    INSERT INTO postrider.outbox (event_type, payload)
                                    VALUES ('order.paid', '{"n":\(number)}');
                                    \(number % 10 == 9 ? "ROLLBACK" : "COMMIT");
                                    """, deadline: TestDatabase.deadline)
                        }
                        await connection.close()
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
