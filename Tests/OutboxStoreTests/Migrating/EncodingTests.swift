import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("The encoding of the database", .timeLimit(.minutes(1)))
struct EncodingTests {
    @Test("the migrator refuses every other one, naming both, and changes nothing", arguments: ["LATIN1", "SQL_ASCII"])
    func refused(encoding: String) async throws {
        try await TestDatabase.withDatabase { database in
            let name = "\(database.name)_\(encoding.lowercased())"
            let outer = try await database.connect()
            _ = try await outer.query(
                "CREATE DATABASE \(name) TEMPLATE template0 ENCODING '\(encoding)' LOCALE 'C'",
                deadline: TestDatabase.deadline)
            let url = database.url.replacing("/\(database.name)?", with: "/\(name)?")
            let connection = try await TestDatabase.connect(to: PostgresConfiguration(url, applicationName: "test"))
            let error = await #expect(throws: MigrationError.self) { try await Migrator(connection).migrate() }
            #expect(error?.code == .encoding)
            #expect(error?.message.contains(encoding) == true && error?.message.contains("UTF8") == true)
            #expect(error?.message.contains("\n") == false)
            let schema = try await connection.query(
                "SELECT to_regnamespace('postrider')", deadline: TestDatabase.deadline)
            #expect(schema.first == nil)
            await connection.close()
            _ = try await outer.query("DROP DATABASE \(name)", deadline: TestDatabase.deadline)
            await outer.close()
        }
    }
}
