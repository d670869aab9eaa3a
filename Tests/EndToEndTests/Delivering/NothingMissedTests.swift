import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// However an event becomes claimable, it is sent within two seconds of that, with one endpoint and beside 100,000.
    @Suite(.timeLimit(.minutes(3))) struct NothingMissedTests {
        private static let soon = Duration.seconds(2)
        private static let settings = ["POSTRIDER_LEASE_SLACK": "2s"]

        private struct Scene: Sendable {
            let installation: Installation
            let receiver: ScriptedReceiver

            func count(_ type: String) -> Int {
                receiver.requests.count { $0.header("webhook-event-type") == type }
            }

            /// Waits until so many requests of a type have come, no longer than is soon.
            func arrives(_ type: String, _ count: Int = 1) async throws {
                let began = ContinuousClock.now
                try await eventually("\(type) \(count)", within: soon) { self.count(type) >= count }
                print("\(type): \(ContinuousClock.now - began)")
            }
        }

        @Test(arguments: [1, 100_000]) func eachEventIsSentSoonAfterItBecameClaimable(endpoints: Int) async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                let scene = Scene(installation: installation, receiver: receiver)
                for name in ["late", "paused", "keyed", "lost", "early"] {
                    try await installation.addEndpoint(
                        name, receiver.url("/\(name)"), "--event-type", "\(name).*", "--timeout", "3s")
                }
                try await Self.crowd(installation, endpoints)
                let worker = try await installation.startWorker(settings: Self.settings)
                try await Self.commitsLate(scene)
                try await Self.resumes(scene)
                try await Self.promotes(scene)
                try await Self.isDueEarlierThanWhatWasThere(scene)
                try await Self.losesItsWorker(scene, worker)
            }
        }

        private static func crowd(_ installation: Installation, _ endpoints: Int) async throws {
            try await installation.value(
                """
                WITH added AS (
                    INSERT INTO postrider.endpoints (name, url_id)
                    SELECT 'idle ' || n, 0 FROM generate_series(1, $1::int - 1) AS n RETURNING id),
                lanes AS (INSERT INTO postrider.lanes (endpoint_id) SELECT id FROM added),
                marks AS (INSERT INTO postrider.endpoint_marks (endpoint_id) SELECT id FROM added)
                INSERT INTO postrider.subscriptions (tenant, pattern, endpoint_id, effective_at)
                SELECT '', 'idle.e' || id, id, now() FROM added
                """, ["\(endpoints)"])
        }

        /// After a second, with 1,000 others in between.
        private static func commitsLate(_ scene: Scene) async throws {
            let writer = try await TestDatabase.connect(
                to: PostgresConfiguration(scene.installation.url, applicationName: "late producer"))
            let began = ContinuousClock.now
            try await writer.withTransaction(deadline: TestDatabase.deadline) { transaction in
                _ = try await transaction.query(
                    "SELECT postrider.publish('late.event', '{}')", deadline: TestDatabase.deadline)
                for _ in 1...1_000 { try await scene.installation.publish("late.other", 1) }
                try await Task.sleep(until: began + .seconds(1))
            }
            try await scene.arrives("late.event")
            try await eventually("the others") { scene.count("late.other") == 1_000 }
            await writer.close()
        }

        private static func resumes(_ scene: Scene) async throws {
            try await scene.installation.value("SELECT postrider.pause_endpoint('paused')")
            try await scene.installation.publish("paused.event", 1)
            try await Task.sleep(for: .milliseconds(500))
            #expect(scene.count("paused.event") == 0)
            try await scene.installation.value("SELECT postrider.resume_endpoint('paused')")
            try await scene.arrives("paused.event")
        }

        /// The second of a key, when the first has been answered.
        private static func promotes(_ scene: Scene) async throws {
            scene.receiver.answer(path: "/keyed", with: .ok.delayed(by: .milliseconds(500)))
            for _ in 1...2 {
                try await scene.installation.value(
                    "SELECT postrider.publish('keyed.event', '{}', ordering_key => 'k')")
            }
            try await scene.arrives("keyed.event", 1)
            try await Task.sleep(for: .milliseconds(500))
            try await scene.arrives("keyed.event", 2)
        }

        /// As when the database's clock was set back by an hour.
        private static func isDueEarlierThanWhatWasThere(_ scene: Scene) async throws {
            try await scene.installation.publish("early.event", 1)
            try await scene.arrives("early.event", 1)
            _ = try await scene.installation.connection.execute(
                script: """
                    BEGIN;
                    SELECT postrider.publish('early.event', '{}');
                    UPDATE postrider.deliveries d SET due_at = d.due_at - interval '1 hour'
                    FROM postrider.endpoints e WHERE e.id = d.endpoint_id AND e.name = 'early';
                    COMMIT
                    """, deadline: TestDatabase.deadline)
            try await scene.arrives("early.event", 2)
        }

        /// Its lane is full of what the dead worker holds, and what may be claimed stands before that.
        private static func losesItsWorker(_ scene: Scene, _ first: RunningProgram) async throws {
            try await scene.installation.value("SELECT postrider.update_endpoint('lost', max_in_flight => 2)")
            scene.receiver.answer(path: "/lost", with: .hang)
            try await scene.installation.publish("lost.event", 2)
            try await eventually("both are in flight") { scene.count("lost.event") == 2 }
            try await first.kill()
            scene.receiver.answer(path: "/lost", with: .ok)
            let second = try await scene.installation.startWorker("second", settings: settings)
            _ = try await scene.installation.connection.execute(
                script: """
                    BEGIN;
                    SELECT postrider.publish('lost.event', '{}');
                    UPDATE postrider.deliveries d SET due_at = d.due_at - interval '1 hour'
                    FROM postrider.endpoints e WHERE e.id = d.endpoint_id AND e.name = 'lost' AND d.lease_by = 0;
                    COMMIT
                    """, deadline: TestDatabase.deadline)
            let left = try await scene.installation.value(
                "SELECT extract(epoch FROM max(lease_until) - clock_timestamp()) FROM postrider.deliveries")
            let leaseLeft = try #require(left.flatMap(Double.init))
            #expect(leaseLeft > 0 && leaseLeft < 5)
            try await Task.sleep(for: .seconds(max(0, leaseLeft)))
            try await scene.arrives("lost.event", 5)
            try await second.kill()
        }
    }
}
