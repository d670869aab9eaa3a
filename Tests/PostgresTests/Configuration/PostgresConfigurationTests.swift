import Testing

@testable import Postgres

@Suite("A configuration")
struct PostgresConfigurationTests {
    @Test("takes a URI and a list of keys and values")
    func bothForms() throws {
        let uri = try PostgresConfiguration("postgresql://app:hunter2@db1:5433/orders?sslmode=disable")
        #expect(uri.description == "database orders at db1:5433")
        #expect(uri.attempts[0].options["sslmode"] == "disable")
        let list = try PostgresConfiguration("host=db1 port=5433 dbname=orders user=app password='hunter2'")
        #expect(list.description == uri.description)
    }

    @Test("sets what the connection string does not")
    func defaults() throws {
        let silent = try PostgresConfiguration("host=db1", applicationName: "postrider").attempts[0].options
        #expect(silent["fallback_application_name"] == "postrider")
        #expect(silent["keepalives_idle"] == "5")
        #expect(silent["tcp_user_timeout"] == "10000")
        #expect(silent["client_encoding"] == "UTF8")
        let explicit = try PostgresConfiguration(
            "host=db1 keepalives_idle=60 application_name=mine client_encoding=LATIN1")
        #expect(explicit.attempts[0].options["keepalives_idle"] == "60")
        #expect(explicit.attempts[0].options["application_name"] == "mine")
        #expect(explicit.attempts[0].options["client_encoding"] == "UTF8")
    }

    @Test("limits the time for each server")
    func connectTimeout() throws {
        #expect(try PostgresConfiguration("host=db1").connectTimeout == .seconds(3))
        #expect(try PostgresConfiguration("host=db1 connect_timeout=9").connectTimeout == .seconds(9))
        #expect(try PostgresConfiguration("host=db1 connect_timeout=0").connectTimeout == nil)
        #expect(throws: PostgresError.self) { try PostgresConfiguration("host=db1 connect_timeout=soon") }
    }

    @Test("walks a list of hosts")
    func hosts() throws {
        let ports = try PostgresConfiguration("postgresql://a:1,b:2/orders?target_session_attrs=read-write")
        #expect(ports.description == "database orders at a:1, or database orders at b:2")
        #expect(ports.attempts.allSatisfy { $0.options["target_session_attrs"] == "read-write" })
        let onePort = try PostgresConfiguration("host=a,b port=7 dbname=orders")
        #expect(onePort.attempts.map { $0.options["port"] } == ["7", "7"])
        let addresses = try PostgresConfiguration("host=a,b hostaddr=127.0.0.1,127.0.0.2 dbname=orders")
        #expect(addresses.attempts.map { $0.options["hostaddr"] } == ["127.0.0.1", "127.0.0.2"])
        let misfit = try PostgresConfiguration("host=a,b port=1,2,3 dbname=orders")
        #expect(misfit.attempts.count == 1, "libpq says what is wrong with it")
    }

    @Test(
        "refuses what is malformed, and shows no part of the password",
        arguments: [
            "postgresql://app:hunter2@db1/orders?nonsense=hunter2",
            "postgresql://app:hunter2%zz@db1/orders",
            "postgresql://app:x@hunter2@db1/orders",
            "postgresql://app:x/hunter2@db1/orders",
            "postgresql://app:12/hunter2@db1/orders",
            "postgresql://app:x@[hunter2/orders",
            "host=db1 password=x hunter2",
            "host=db1 password='hunter2",
            "host=db1 hunter2=x",
            "postgresql://app:hunter2@db1:99999/orders", "host=db1 port=5432,0", "host=db1 port=hunter2",
            "postgresql://app:hunter2@db1/orders?sslmode=sometimes", "host=db1 target_session_attrs=hunter2",
        ])
    func malformed(text: String) throws {
        let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(text) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.kind == .configuration)
        #expect(error.map { String(reflecting: $0).contains("hunter2") } == false)
        #expect(error.map { "\($0)".contains("hunter2") } == false)
    }

    @Test("never prints a password")
    func silence() throws {
        let configuration = try PostgresConfiguration("postgresql://app:hunter2@db1/orders?sslpassword=hunter3")
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains("hunter"))
        }
        #expect(configuration.redacted("the words hunter2 and hunter3") == "the words … and …")
    }
}
