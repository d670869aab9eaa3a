import LocalPostgres
import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// What is refused, with which code, and that it says why.
    @Suite(.timeLimit(.minutes(1))) struct RefusedInputTests {
        @Test(arguments: [
            ("INSERT INTO postrider.outbox (event_type, payload) VALUES ('order paid', '{}')", "event_type"),
            (
                "INSERT INTO postrider.outbox (event_type, payload, body, content_type) VALUES ('a.b', '{}', 'x', 'text/plain')",
                "payload"
            ),
            ("INSERT INTO postrider.outbox (event_type) VALUES ('a.b')", "payload"),
            (
                "INSERT INTO postrider.outbox (event_type, payload) VALUES ('a.b', to_json(repeat('x', 262145)))",
                "payload"
            ),
        ])
        func anEventThatBreaksARuleIsRefusedWithTheColumn(sql: String, column: String) async throws {
            try await Installation.with { installation in
                let error = try await refusal(of: sql, in: installation)
                #expect(error?.sqlState?.description == "23514")
                #expect(error?.message.contains("postrider.outbox: \(column)") == true)
                #expect(try await installation.count("postrider.outbox") == 0)
            }
        }

        private func refusal(of sql: String, in installation: Installation) async throws -> PostgresError? {
            do {
                try await installation.value(sql)
                return nil
            } catch let error as PostgresError {
                return error
            }
        }

        @Test(arguments: [
            "http://user:secret@127.0.0.1/hook", "http://127.0.0.1:99999/hook", "http://10.0.0.1/hook",
            "http://169.254.169.254/latest/meta-data", "ftp://127.0.0.1/hook",
        ])
        func anEndpointThatMayNotBeReachedIsBadData(url: String) async throws {
            try await Installation.with { installation in
                let ending = try await installation.command("endpoint", "add", "bad", url)
                #expect(ending.status == 65)
                #expect(ending.errors.hasPrefix("postrider: "))
                #expect(!ending.errors.contains("secret@"))
                #expect(try await installation.count("postrider.endpoint_health") == 0)
            }
        }

        @Test func anUnknownSettingStopsTheStart() async throws {
            try await Installation.with { installation in
                let ending = try await installation.command("worker", settings: ["POSTRIDER_MAX_INFLIGHT": "5"])
                #expect(ending.status == 78)
                #expect(ending.errors.contains("POSTRIDER_MAX_INFLIGHT"))
            }
        }

        @Test func aBadValueStopsTheStart() async throws {
            try await Installation.with { installation in
                let ending = try await installation.command("worker", settings: ["POSTRIDER_DRAIN_TIMEOUT": "soon"])
                #expect(ending.status == 78)
                #expect(ending.errors.contains("POSTRIDER_DRAIN_TIMEOUT"))
            }
        }

        @Test(arguments: [["migrate"], ["status"], ["endpoint", "list"]])
        func aDatabaseThatIsNotThereIsUnavailable(command: [String]) async throws {
            try await TemporaryFolder.with { folder in
                let executable = try Executable(folder: folder)
                let url = "postgresql://postgres@127.0.0.1:\(try LoopbackPort.free())/none"
                let ending = try await executable.run(command, settings: Installation.settings(url))
                #expect(ending.status == 69)
                #expect(ending.errors.hasPrefix("postrider: "))
            }
        }

        @Test func aCommandThatDoesNotExistIsAUsageError() async throws {
            try await Installation.with { installation in
                let ending = try await installation.command("deliver")
                #expect(ending.status == 64)
            }
        }
    }
}
