import OutboxStore

extension Diagnosis {
    /// The server itself.
    static func server(_ server: ServerCheck) -> [Finding] {
        [
            version(server), writable(server), connections(server), durability(server), isolation(server),
            transport(server),
        ]
    }

    private static func version(_ server: ServerCheck) -> Finding {
        server.versionNumber >= oldestVersion
            ? .ok("postgresql", "version \(server.version)")
            : .failure("postgresql", "version \(server.version) is too old", "upgrade to PostgreSQL 15 or newer")
    }

    private static func writable(_ server: ServerCheck) -> Finding {
        server.isReadOnly
            ? .failure(
                "writable", "this is a standby, or it is read-only",
                "name the primary in POSTRIDER_DATABASE_URL, or all servers with target_session_attrs=read-write")
            : .ok("writable", "yes")
    }

    private static func connections(_ server: ServerCheck) -> Finding {
        let left = max(0, server.connections - server.connectionsUsed)
        let text = "\(left) of \(server.connections) are left"
        let remedy = "raise max_connections, or put a pooler in between"
        if left < connectionFailure { return .failure("connections", text, remedy) }
        if left < connectionWarning { return .warning("connections", text, remedy) }
        return .ok("connections", text)
    }

    private static func durability(_ server: ServerCheck) -> Finding {
        server.hasFsync
            ? .ok("durability", "fsync is on")
            : .warning(
                "durability", "fsync is off: a crash of the machine can lose or break everything",
                "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();")
    }

    private static func isolation(_ server: ServerCheck) -> Finding {
        server.isolation == "read committed"
            ? .ok("isolation", "read committed")
            : .failure(
                "isolation", "\(server.isolation) is this login's default, and workers need read committed",
                "ALTER ROLE \(SQLName(server.role)) SET default_transaction_isolation = 'read committed';")
    }

    private static func transport(_ server: ServerCheck) -> Finding {
        server.isReadableOnTheWay
            ? .warning(
                "transport", "the connection to the database crosses a network without TLS",
                "add sslmode=verify-full to POSTRIDER_DATABASE_URL")
            : .ok("transport", "local, or by TLS")
    }

    static func pooler(_ pooler: DoctorSnapshot.Pooler) -> Finding {
        switch pooler {
        case .none: .ok("pooler", "none, or one that keeps a server process for each client")
        case .transactions: .ok("pooler", "one that shares server processes between transactions, which is fine")
        case .statements:
            .failure(
                "pooler", "it shares server processes between statements, so transactions are refused",
                "set pool_mode = transaction for this database in PgBouncer")
        }
    }
}
