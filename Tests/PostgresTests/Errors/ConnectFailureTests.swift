import Testing

@testable import Postgres

@Suite("Why no connection came about")
struct ConnectFailureTests {
    @Test("the server's SQLSTATE is read from libpq's text")
    func refusal() {
        let failure = ConnectFailure(
            """
            connection to server at "127.0.0.1", port 5432 failed: FATAL:  28P01: password authentication failed for user "app"
            LOCATION:  auth_failed, auth.c:329

            """, needsPassword: false)
        #expect(failure.error.sqlState == .invalidPassword)
        #expect(failure.error.kind == .configuration)
        #expect(failure.error.code == .connectFailed)
        #expect(failure.error.message == "password authentication failed for user \"app\"")
    }

    @Test("without an answer of the server it may get better")
    func unreachable() {
        let failure = ConnectFailure(
            """
            connection to server at "127.0.0.1", port 1 failed: Connection refused
            \tIs the server running on that host and accepting TCP/IP connections?

            """, needsPassword: false)
        #expect(failure.error.kind == .reconnect)
        #expect(failure.error.sqlState == nil)
        #expect(
            failure.error.message.hasSuffix(
                "Connection refused; Is the server running on that host and accepting TCP/IP connections?"))
    }

    @Test("a missing password is a matter of configuration")
    func noPassword() {
        let failure = ConnectFailure("connection failed: fe_sendauth: no password supplied", needsPassword: true)
        #expect(failure.error.kind == .configuration)
    }

    @Test("of several servers, one that may come back decides")
    func several() {
        let refused = PostgresError(
            .connectFailed, "no", report: ServerReport(state: .invalidPassword, severity: "FATAL", message: "no"))
        let unreachable = PostgresError(.connectFailed, "unreachable", place: "database a at b")
        let error = ConnectFailure.all([unreachable, refused])
        #expect(error.kind == .reconnect)
        #expect(error.message == "unreachable (database a at b); no (SQLSTATE 28P01)")
        #expect(ConnectFailure.all([refused, refused]).kind == .configuration)
    }
}
