import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("An endpoint", .timeLimit(.minutes(3)))
struct EndpointTests {
    @Test("that is paused keeps everything, and goes on where it was")
    func pause() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            try await outbox.registerEndpoint("b")
            let worker = outbox.ownWorker()
            try await outbox.publish()
            try await worker.work(.retry(after: .zero))
            try await outbox.query("SELECT postrider.pause_endpoint('a')")
            try await outbox.publish()
            #expect(Set(try await worker.claim().map(\.endpoint)) == [2])
            #expect(try await worker.claim([1]).isEmpty)
            #expect(try await outbox.statuses().filter { $0.contains(" a ") } == ["1 a held 1", "2 a held 0"])
            try await outbox.query("SELECT postrider.resume_endpoint('a')")
            #expect(try await worker.claim().map(\.event).sorted() == [1, 2])
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("that is paused settles what is in flight")
    func pauseInFlight() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a", maxInFlight: 3)
            for _ in 0..<2 { try await outbox.publish() }
            let worker = outbox.ownWorker()
            let claimed = try await worker.claim()
            try await outbox.query("SELECT postrider.pause_endpoint('a')")
            #expect(try await outbox.statuses() == ["1 a in_flight 1", "2 a in_flight 1"])
            try await worker.settle(
                zip(claimed, [.delivered, .retry(after: .zero)]).map { Settlement(madeUp: $0, $1) })
            #expect(try await outbox.statuses() == ["1 a delivered 1", "2 a held 1"])
            #expect(try await outbox.number("SELECT leased FROM postrider.lanes") == 0)
        }
    }

    @Test("that is removed cancels what it is owed, keeps its history and frees its name")
    func remove() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            let worker = outbox.ownWorker()
            for _ in 0..<4 { try await outbox.publish(key: "k") }
            try await worker.work(.delivered)
            try await worker.work(.dead(.attemptsExhausted))
            let inFlight = try await worker.claim()
            #expect(try await outbox.number("SELECT postrider.remove_endpoint('a')") == 1)
            try await outbox.publish()
            try await worker.settle(inFlight, .retry(after: .zero))
            #expect(
                try await outbox.statuses() == [
                    "1 a delivered 1", "2 a dead 1", "3 a cancelled 1", "4 a cancelled 0", "5 - no_subscriber 0",
                ])
            #expect(try await outbox.number("SELECT count(*) FROM postrider.endpoint_secrets") == 0)
            #expect(await outbox.refusal(of: "SELECT postrider.replay_dead_letter(2)")?.sqlState?.rawValue == "P0002")
            #expect(try await outbox.registerEndpoint("a") == 2)
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("that was removed under a producer's hands gets its last events cancelled later")
    func removeConcurrently() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint("a")
            let other = try await outbox.connect()
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { transaction in
                _ = try await transaction.query("SELECT postrider.publish('x', '1')", deadline: .seconds(5))
                _ = try await other.query("SELECT postrider.remove_endpoint('a')", deadline: .seconds(5))
            }
            await other.close()
            #expect(try await outbox.statuses() == ["1 a held 0"])
            #expect(try await outbox.number("SELECT postrider.keep_keys()") == 1)
            #expect(try await outbox.statuses() == ["1 a cancelled 0"])
            #expect(try await outbox.discrepancies() == [])
        }
    }

    @Test("tells workers of every change")
    func revisions() async throws {
        try await TestOutbox.withOutbox { outbox in
            let id = try await outbox.registerEndpoint("a")
            var record = try await load(outbox, id)
            for change in [
                "postrider.update_endpoint('a', url => 'https://b.example/')", "postrider.rotate_secret('a')",
                "postrider.pause_endpoint('a')", "postrider.resume_endpoint('a')",
                "postrider.update_endpoint('a', headers => '{X-A: b}', retry_schedule => '{1 s,2 s}', timeout => '9 s')",
            ] {
                let last = record.revision
                try await outbox.query("SELECT \(change)")
                record = try await load(outbox, id)
                #expect(record.revision != last, "\(change)")
            }
            #expect(record.url == "https://b.example/" && record.headers == ["X-A: b"] && record.secrets.count == 2)
            #expect(record.retrySchedule == [.seconds(1), .seconds(2)])
            #expect(record.maxAttempts == 3 && record.timeout == .seconds(9))
        }
    }

    private func load(_ outbox: TestOutbox, _ id: Int32) async throws -> EndpointRecord {
        try #require(try await outbox.connection.run(LoadEndpoints(ids: [id]), deadline: .seconds(5)).first)
    }

    @Test("is refused if it breaks a rule")
    func rules() async throws {
        try await TestOutbox.withOutbox { outbox in
            for url in [
                "ftp://a", "https://", "https://u:p@a/", "https://a/#x", "https://a:0/", "https://a:65536/",
                "https://1/",
                "https://0x7f.1/", "https://127.1/", "https://256.1.1.1/", "https://a b/", "https://a\\b/",
                "https://[::1%25eth0]/", "https://a:99999999999/", "",
            ] {
                let error = await outbox.refusal(of: "SELECT postrider.register_endpoint('x', $1)", url)
                #expect(error?.sqlState?.rawValue == "23514", "\(url)")
            }
            for arguments in [
                "event_types => '{}'", "event_types => NULL", "event_types => '{{a.b},{c.d}}'",
                "event_types => ARRAY['a', NULL]", "headers => '{{X-A: 1},{X-B: 2}}'",
                "headers => ARRAY['X-A: 1', NULL]",
                "retry_schedule => '{}'", "retry_schedule => '{-1 s}'", "retry_schedule => '{{1 s},{2 s}}'",
                "retry_schedule => ARRAY['1 s'::interval, NULL]", "retry_schedule => '{1 hour,1 mon}'",
                "retry_schedule => '{1 mon -29 days}'", "retry_schedule => '{178000000 years}'",
                "retry_schedule => '{2147483647 days}'", "timeout => '1 mon -29 days -23 hours -59 min'",
                "timeout => '178000000 years'", "secret => 'sealed:v1:x'", "secret => 'sealed:v1:a:AAAA'",
            ] {
                let error = await outbox.refusal(
                    of: "SELECT postrider.register_endpoint('x', 'https://a.example/', \(arguments))")
                #expect(error?.sqlState?.rawValue == "23514", "\(arguments)")
                let argument = arguments.prefix { $0 != " " }
                #expect(error?.message.hasPrefix("\(argument) ") == true, "\(error?.message ?? arguments)")
            }
            try await outbox.registerEndpoint("x")
            for arguments in [
                "headers => '{{X-A: 1},{X-B: 2}}'", "retry_schedule => '{1 mon}'", "timeout => '1 mon -29 days'",
                "event_types => '{{a},{b}}'",
            ] {
                let error = await outbox.refusal(of: "SELECT postrider.update_endpoint('x', \(arguments))")
                #expect(error?.sqlState?.rawValue == "23514", "\(arguments)")
            }
            let grace = await outbox.refusal(of: "SELECT postrider.rotate_secret('x', grace => '1 mon -29 days')")
            #expect(grace?.message.hasPrefix("grace ") == true)
            try await outbox.query(
                "SELECT postrider.register_endpoint('y', 'https://a.example/', max_in_flight => 0, rate_limit => 0)")
            let error = await outbox.refusal(of: "SELECT postrider.register_endpoint('x', 'https://a.example/')")
            #expect(error?.sqlState?.rawValue == "23505" && error?.message.contains("'x'") == true)
        }
    }
}
