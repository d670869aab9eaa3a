import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("An endpoint whose receiver has to agree", .timeLimit(.minutes(3)))
struct VerificationTests {
    private static let deadline = Duration.seconds(5)

    private func register(_ outbox: TestOutbox, _ name: String = "shop", _ more: String = "verify => 'challenge'")
        async throws
    {
        try await outbox.query(
            "SELECT postrider.register_endpoint($1, 'https://shop.example/', secret => NULL, \(more))", name)
    }

    private func take(_ connection: PostgresConnection, _ limit: Int32 = 10) async throws -> [Int32] {
        try await connection.run(Verifications.take(limit: limit), deadline: Self.deadline).map(\.endpoint)
    }

    /// Ends a verification for the endpoint as it is now.
    private func end(
        _ outbox: TestOutbox, _ connection: PostgresConnection, _ id: Int32 = 1, why: String? = nil, rate: Float? = nil,
        counts: Bool = true, revision: Int32? = nil, pause: Duration = .seconds(5)
    ) async throws -> String? {
        let now = Int32(try await outbox.number("SELECT revision FROM postrider.lanes WHERE endpoint_id = \(id)"))
        let end = VerificationEnd(
            endpoint: id, revision: revision ?? now, why: why, rate: rate, counts: counts, pause: pause)
        return try await connection.run(Verifications.end(end), deadline: Self.deadline).first ?? nil
    }

    private func state(_ outbox: TestOutbox, _ name: String = "shop") async throws -> [String?] {
        try await outbox.query(
            "SELECT state, state_reason, held FROM postrider.endpoint_health WHERE endpoint = $1", name
        ).rows.first ?? []
    }

    @Test("holds its events until then, and gets them all when it does; by the role of a worker alone")
    func agrees() async throws {
        try await TestOutbox.withOutbox { outbox in
            let connection = try await outbox.connect(in: "postrider_worker")
            try await register(outbox, "shop", "verify => 'cloudevents', rate_limit => 5")
            try await outbox.publish(count: 3)
            #expect(try await state(outbox) == ["verifying", "its receiver has not been asked yet", "3"])
            let worker = outbox.ownWorker()
            let seen = try await worker.look(since: nil).seen
            #expect(try await worker.claim([1]).isEmpty)
            #expect(try await take(connection) == [1])
            // By one worker at a time, and by another one when that says nothing.
            #expect(try await take(connection).isEmpty)
            try await outbox.query("UPDATE postrider.endpoints SET ask_at = ask_at - interval '46 s'")
            #expect(try await take(connection) == [1])
            #expect(try await end(outbox, connection, why: "it answered 500") == "verifying")
            #expect(
                try await state(outbox) == [
                    "verifying", "its receiver has not agreed, asked once: it answered 500", "3",
                ])
            #expect(try await end(outbox, connection, why: "proxy_error", counts: false) == "verifying")
            #expect(try await end(outbox, connection, rate: 2) == "active")
            #expect(try await worker.look(since: seen).lanes.map(\.endpoint) == [1])
            #expect(try await worker.claim([1]).count == 1)
            let settings = "SELECT rate_limit, allowed_rate, verified_at IS NOT NULL FROM postrider.endpoint_settings"
            #expect(try await outbox.query(settings).rows == [["5", "2", "t"]])
            #expect(try await outbox.column("SELECT rate_limit FROM postrider.lanes") == ["2"])
            // The operator's own limit counts where it is less.
            try await outbox.query("SELECT postrider.update_endpoint('shop', rate_limit => 1)")
            #expect(try await outbox.column("SELECT rate_limit FROM postrider.lanes") == ["1"])
            #expect(try await end(outbox, connection) == nil)
            let changes = "SELECT concat_ws(' ', from_state, to_state) FROM postrider.endpoint_changes ORDER BY id"
            #expect(try await outbox.column(changes) == ["verifying", "verifying active"])
            await connection.close()
        }
    }

    @Test("is asked again when its URL changes, not when something else does; an old answer means nothing")
    func changes() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await register(outbox)
            let connection = outbox.connection
            #expect(try await end(outbox, connection) == "active")
            try await outbox.query(
                "SELECT postrider.update_endpoint('shop', url => 'https://shop.example/', timeout => '9 s')")
            #expect(try await state(outbox)[0] == "active")
            let old = Int32(try await outbox.number("SELECT revision FROM postrider.lanes"))
            try await outbox.query("SELECT postrider.update_endpoint('shop', url => 'https://other.example/')")
            #expect(try await state(outbox)[0] == "verifying")
            #expect(try await end(outbox, connection, revision: old) == nil)
            #expect(try await take(connection) == [1])
            // What was changed may be why it did not agree.
            try await outbox.query("SELECT postrider.rotate_secret('shop')")
            #expect(try await take(connection) == [1])
            try await outbox.query("SELECT postrider.update_endpoint('shop', verify => 'none')")
            #expect(try await state(outbox)[0] == "active")
            #expect(try await take(connection).isEmpty)
        }
    }

    @Test("stays unverified while it is paused, and to resume it is not to agree in its name")
    func pause() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await register(outbox)
            let connection = outbox.connection
            try await outbox.query("SELECT postrider.pause_endpoint('shop')")
            #expect(try await take(connection).isEmpty)
            #expect(try await end(outbox, connection) == nil)
            #expect(try await state(outbox)[0] == "paused")
            try await outbox.query("SELECT postrider.resume_endpoint('shop')")
            #expect(try await state(outbox)[0] == "verifying")
            #expect(try await end(outbox, connection) == "active")
            // Changed while it is paused, it is asked when it is resumed.
            try await outbox.query("SELECT postrider.pause_endpoint('shop')")
            try await outbox.query("SELECT postrider.update_endpoint('shop', url => 'https://other.example/')")
            #expect(try await state(outbox)[0] == "paused")
            try await outbox.query("SELECT postrider.resume_endpoint('shop')")
            #expect(try await state(outbox)[0] == "verifying")
            try await outbox.query("SELECT postrider.resume_endpoint('shop')")
            #expect(try await take(connection) == [1])
        }
    }

    @Test("is disabled when it was asked twenty times in vain, which is told; what is no fault of its does not count")
    func bounded() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await register(outbox)
            try await outbox.query(
                "SELECT postrider.register_endpoint('ops', 'https://ops.example/', event_types => '{postrider.*}')")
            let connection = outbox.connection
            for _ in 1...30 { _ = try await end(outbox, connection, why: "no key", counts: false) }
            for _ in 1...19 { #expect(try await end(outbox, connection, why: "no") == "verifying") }
            #expect(try await end(outbox, connection, why: "no") == "disabled")
            #expect(try await state(outbox)[1] == "its receiver has not agreed, asked 20 times: no")
            #expect(try await outbox.statuses() == ["1 ops pending 0"])
            try await outbox.query("SELECT postrider.resume_endpoint('shop')")
            #expect(try await outbox.column("SELECT refusals FROM postrider.endpoints WHERE id = 1") == ["0"])
        }
    }

    @Test("waits for no operator: what one holds is stepped over, and its end fails at once")
    func held() async throws {
        try await TestOutbox.withOutbox { outbox in
            for name in ["a", "b", "c"] { try await register(outbox, name) }
            let worker = try await outbox.connect(in: "postrider_worker")
            let revision = Int32(try await outbox.number("SELECT revision FROM postrider.lanes WHERE endpoint_id = 2"))
            try await outbox.connection.withRollback { transaction in
                _ = try await transaction.query(
                    "SELECT postrider.update_endpoint('b', timeout => '1 s')", deadline: Self.deadline)
                #expect(try await take(worker).sorted() == [1, 3])
                let began = ContinuousClock.now
                let end = VerificationEnd(endpoint: 2, revision: revision)
                let error = await #expect(throws: PostgresError.self) {
                    try await worker.run(Verifications.end(end), deadline: Self.deadline)
                }
                #expect(error?.sqlState == .lockNotAvailable && ContinuousClock.now - began < .seconds(1))
            }
            await worker.close()
        }
    }

    @Test("is asked as whom the settings say, and stays asked as that")
    func origin() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.query("UPDATE postrider.settings SET origin = 'shop.example.com'")
            try await register(outbox, "shop", "verify => 'cloudevents'")
            try await outbox.query("UPDATE postrider.settings SET origin = 'other.example'")
            let record = try await outbox.connection.run(LoadEndpoints(ids: [1]), deadline: Self.deadline).first
            #expect(record?.origin == "shop.example.com" && record?.verify == "cloudevents")
            let refusal = await outbox.refusal(of: "UPDATE postrider.settings SET origin = 'no host'")
            #expect(refusal?.sqlState?.rawValue == "23514")
        }
    }
}
