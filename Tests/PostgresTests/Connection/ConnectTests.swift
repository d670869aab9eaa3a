import Glibc
import LocalPostgres
import Logging
import TestSupport
import Testing

@testable import Postgres

@Suite("Connecting", .timeLimit(.minutes(2)))
struct ConnectTests {
    private func failure(_ connectionString: String, deadline: Duration = TestDatabase.deadline) async -> PostgresError?
    {
        await #expect(throws: PostgresError.self) {
            let configuration = try PostgresConfiguration(connectionString)
            let connection = try await PostgresConnection.connect(configuration, deadline: deadline, logger: .silent)
            await connection.close()
        }
    }

    @Test("to a database that is not there says so")
    func missingDatabase() async throws {
        let cluster = try await TestCluster.shared.cluster()
        let error = await failure(cluster.url(database: "absent"))
        #expect(error?.code == .connectFailed)
        #expect(error?.sqlState == .undefinedDatabase)
        #expect(error?.kind == .configuration)
        #expect(error?.message == "database \"absent\" does not exist")
        #expect(error?.description.contains("database absent at \(cluster.directory)") == true)
    }

    @Test("with a wrong password says so, without the password")
    func wrongPassword() async throws {
        try await TestDatabase.withCluster(.init(isDurable: false, listensOnLoopback: true)) { cluster in
            try await cluster.requirePasswordOverTCP()
            let configuration = try PostgresConfiguration(cluster.url())
            let connection = try await PostgresConnection.connect(
                configuration, deadline: TestDatabase.deadline, logger: .silent)
            try await connection.execute(
                script: "CREATE ROLE app LOGIN PASSWORD 'hunter2'; SELECT pg_reload_conf()",
                deadline: TestDatabase.deadline)
            await connection.close()

            let server = "127.0.0.1:\(cluster.port)/postgres"
            let wrong = await failure("postgresql://app:hunter3@\(server)")
            #expect(wrong?.sqlState == .invalidPassword)
            #expect(wrong?.kind == .configuration)
            #expect(wrong?.description.contains("hunter") == false)
            let none = await failure("postgresql://app@\(server)")
            #expect(none?.kind == .configuration)
            #expect(none?.message.contains("password") == true)

            let right = try await PostgresConnection.connect(
                PostgresConfiguration("postgresql://app:hunter2@\(server)"), deadline: TestDatabase.deadline,
                logger: .silent)
            #expect(try await right.run(BackendPID(), deadline: TestDatabase.deadline).count == 1)
            await right.close()
        }
    }

    @Test("to a port where no server listens fails at once and may be tried again")
    func refused() async throws {
        let error = await failure("host=127.0.0.1 port=1 dbname=x user=x")
        #expect(error?.code == .connectFailed)
        #expect(error?.kind == .reconnect)
        #expect(error?.message.contains("refused") == true)
        let socket = await failure("host=/nowhere dbname=x user=x")
        #expect(socket?.kind == .reconnect)
    }

    @Test("goes on to the next host when the first is dead")
    func deadHost() async throws {
        try await TestDatabase.withDatabase { database in
            let port = try await TestCluster.shared.cluster().port
            let configuration = try PostgresConfiguration(
                "postgresql://postgres@127.0.0.1:1,127.0.0.1:\(port)/\(database.name)?target_session_attrs=read-write")
            let connection = try await TestDatabase.connect(to: configuration)
            #expect(connection.place == "database \(database.name) at 127.0.0.1:\(port)")
            await connection.close()
        }
    }

    @Test("goes on to the next host when the first accepts and stays silent")
    func silentHost() async throws {
        let silent = try SilentListener()
        try await TestDatabase.withDatabase { database in
            let port = try await TestCluster.shared.cluster().port
            let configuration = try PostgresConfiguration(
                "host=127.0.0.1,127.0.0.1 port=\(silent.port),\(port) dbname=\(database.name) user=postgres connect_timeout=1"
            )
            let connection = try await TestDatabase.connect(to: configuration)
            #expect(connection.place == "database \(database.name) at 127.0.0.1:\(port)")
            await connection.close()
        }
        let late = await failure("host=127.0.0.1 port=\(silent.port) dbname=x user=x", deadline: .milliseconds(100))
        #expect(late?.code == .connectFailed)
        #expect(late?.kind == .reconnect)
    }

    @Test("goes on to the next address of a name when the first stays silent")
    func silentAddress() async throws {
        try await TestDatabase.withDatabase { database in
            let port = try await TestCluster.shared.cluster().port
            let silent = try SilentListener(address: "127.0.0.2", port: port)
            for timeout in [1, 20] {
                var configuration = try PostgresConfiguration(
                    "host=two.invalid port=\(port) dbname=\(database.name) user=postgres connect_timeout=\(timeout)")
                configuration.resolve = { $0 == "two.invalid" ? ["127.0.0.2", "127.0.0.1"] : [] }
                let start = ContinuousClock.now
                let connection = try await PostgresConnection.connect(
                    configuration, deadline: .seconds(4), logger: .silent)
                #expect(connection.place == "database \(database.name) at two.invalid:\(port), address 127.0.0.1")
                #expect(ContinuousClock.now - start < .seconds(timeout == 1 ? 2 : 3))
                await connection.close()
            }
            _ = silent
        }
    }

    @Test("finds every address of a name, each once")
    func addresses() async {
        #expect(await HostAddresses.of("127.0.0.1") == ["127.0.0.1"])
        #expect(await HostAddresses.of("::1") == ["::1"])
        #expect(await HostAddresses.of("absent.invalid") == [])
        let local = await HostAddresses.of("localhost")
        #expect(!local.isEmpty && Set(local).count == local.count && Set(local).isSubset(of: ["127.0.0.1", "::1"]))
    }

    @Test("leaves out a server that is not accepted, and says why")
    func notAccepted() async throws {
        try await TestDatabase.withDatabase { database in
            let no = PostgresError(.connectFailed, "not this one")
            let error = await #expect(throws: PostgresError.self) {
                try await PostgresConnection.connect(
                    database.configuration(), deadline: TestDatabase.deadline, logger: .silent,
                    accept: { (_, _) async throws(PostgresError) in throw no })
            }
            #expect(error?.message == "not this one")
        }
    }

    @Test("says read committed where the database has another default")
    func readCommitted() async throws {
        try await TestDatabase.withDatabase { database in
            let level = PostgresQuery<String>("SELECT current_setting('transaction_isolation')")
            let first = try await database.connect()
            _ = try await first.query(
                "ALTER DATABASE \(database.name) SET default_transaction_isolation = 'serializable'",
                deadline: TestDatabase.deadline)
            await first.close()
            let connection = try await database.connect()
            let deadline = TestDatabase.deadline
            #expect(try await connection.run(level, deadline: deadline) == ["serializable"])
            #expect(
                try await connection.withTransaction(deadline: deadline) { try await $0.run(level, deadline: deadline) }
                    == ["read committed"])
            connection.sayReadCommitted()
            #expect(try await connection.run(level, deadline: deadline) == ["read committed"])
            let error = await #expect(throws: PostgresError.self) {
                try await connection.run(PostgresQuery<Int32>("SELECT 1 / 0"), deadline: deadline)
            }
            #expect(error?.sqlState?.rawValue == "22012")
            #expect(try await connection.run(level, deadline: deadline) == ["read committed"])
            await connection.close()
        }
    }

    @Test("ends when the task is cancelled")
    func cancelled() async throws {
        let silent = try SilentListener()
        let task = Task {
            try await PostgresConnection.connect(
                PostgresConfiguration("host=127.0.0.1 port=\(silent.port) dbname=x user=x connect_timeout=0"),
                deadline: .seconds(600), logger: .silent)
        }
        await silent.waitForClient()
        task.cancel()
        let error = await #expect(throws: PostgresError.self) { _ = try await task.value }
        #expect(error?.code == .cancelled)
    }

    @Test("only to a standby fails where there is a primary alone")
    func standbyOnly() async throws {
        let cluster = try await TestCluster.shared.cluster()
        let error = await failure(cluster.url() + "&target_session_attrs=standby")
        #expect(error?.code == .connectFailed)
        #expect(error?.kind == .reconnect)
        #expect(error?.message.contains("standby") == true)
    }

    @Test("hangs up when the connection is closed, and when it is simply dropped")
    func hangsUp() async throws {
        try await TestDatabase.withDatabase { database in
            try await database.connect().close()
            let pid = try await database.connect().run(BackendPID(), deadline: TestDatabase.deadline)
            #expect(pid.count == 1)
            let watching = try await database.connect()
            let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            while try await watching.query(sql, deadline: TestDatabase.deadline).first != "1" { await Task.yield() }
            await watching.close()
        }
    }
}

extension ThrowAwayCluster {
    /// Trusts the Unix socket only, from the next reload on.
    func requirePasswordOverTCP() async throws {
        let file = open("\(dataDirectory)/pg_hba.conf", O_WRONLY | O_TRUNC)
        defer { close(file) }
        let rules = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        #expect(write(file, rules, rules.utf8.count) == rules.utf8.count)
    }
}
