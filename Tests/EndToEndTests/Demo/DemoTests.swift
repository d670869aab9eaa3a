import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEndTests {
    /// The demonstration tells its story, accounts for it, and leaves nothing behind.
    @Suite(.timeLimit(.minutes(1))) struct DemoTests {
        private struct Account: Decodable {
            let inserted: Int
            let rolledBack: Int
            let delivered: Int
            let dead: Int
            let unaccounted: Int
            let invalidSignatures: Int

            enum CodingKeys: String, CodingKey {
                case inserted, delivered, dead, unaccounted
                case rolledBack = "rolled_back"
                case invalidSignatures = "invalid_signatures"
            }
        }

        /// What would lead libpq to another server, or keep it from ours, and a database of another program.
        private let elsewhere = [
            "PGHOST": "192.0.2.1", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1", "PGUSER": "x", "PGDATABASE": "x",
            "PGSSLMODE": "verify-full", "PGSERVICE": "x", "PGOPTIONS": "-c search_path=x",
            "PGTARGETSESSIONATTRS": "standby", "DATABASE_URL": "postgresql://x@192.0.2.1:1/x",
        ]

        @Test func itAccountsForEveryEvent() async throws {
            try await TemporaryFolder.with { folder in
                let executable = try Executable(folder: folder)
                let ending = try await executable.run(
                    ["demo", "--json"], settings: elsewhere.merging(["TMPDIR": folder.path]) { $1 })
                #expect(ending.status == 0, "\(ending.errors)")
                let account = try JSONDecoder().decode(Account.self, from: Data(ending.output.utf8))
                #expect(account.inserted == account.rolledBack + account.delivered)
                #expect(account.rolledBack == 1 && account.delivered > 0)
                #expect(account.dead == 0 && account.unaccounted == 0 && account.invalidSignatures == 0)
                #expect(ending.errors.contains("rolled back 1"))
                // What came back through the inbox: stored, and processed.
                let rows = ending.errors.split(separator: "\n").filter { $0.contains("payment.made  ") }
                #expect(rows.map { $0.split(separator: " ").last } == ["queued", "done"], "\(rows)")
                #expect(ending.errors.split(separator: "\n").allSatisfy { $0.count <= 80 })
                try await expectNothingLeft(in: folder)
            }
        }

        @Test func ctrlCClearsEverythingAway() async throws {
            try await TemporaryFolder.with { folder in
                let executable = try Executable(folder: folder)
                let demo = try executable.start(["demo"], settings: ["TMPDIR": folder.path], name: "demo")
                try await eventually("the worker is at work") { demo.said.contains("2. Orders") }
                demo.send(SIGINT)
                #expect(try await demo.status(within: .seconds(20)) == 1)
                #expect(demo.said.contains("interrupted"))
                try await expectNothingLeft(in: folder)
            }
        }

        private func expectNothingLeft(in folder: URL) async throws {
            try await eventually("the server's directory is gone", within: .seconds(10)) {
                try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy {
                    !$0.hasPrefix("throw-away")
                }
            }
        }
    }
}
