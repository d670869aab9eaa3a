/// Ends a transaction that was left open; nobody waits for it.
final class RollbackExchange: Exchange, @unchecked Sendable {
    override func send(
        on handle: borrowing ConnectionHandle, using parameters: inout PostgresParameters
    ) throws(PostgresError) {
        try handle.send(script: "ROLLBACK")
    }
}
