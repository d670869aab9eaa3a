import OutboxStore

extension Diagnosis {
    /// The server itself.
    static func server(_ server: ReadServer.Row) -> [Finding] {
        [version(server), writable(server), connections(server), durability(server)]
    }

    private static func version(_ server: ReadServer.Row) -> Finding {
        server.versionNumber >= oldestVersion
            ? .ok("postgresql", "version \(server.version)")
            : .failure("postgresql", "version \(server.version) is too old", "upgrade to PostgreSQL 15 or newer")
    }

    private static func writable(_ server: ReadServer.Row) -> Finding {
        server.isReadOnly
            ? .failure(
                "writable", "this is a standby, or it is read-only",
                "name the primary in POSTRIDER_DATABASE_URL, or all servers with target_session_attrs=read-write")
            : .ok("writable", "yes")
    }

    private static func connections(_ server: ReadServer.Row) -> Finding {
        let left = max(0, server.connections - server.connectionsUsed)
        let text = "\(left) of \(server.connections) are left"
        let remedy = "raise max_connections, or put a pooler in between"
        if left < connectionFailure { return .failure("connections", text, remedy) }
        if left < connectionWarning { return .warning("connections", text, remedy) }
        return .ok("connections", text)
    }

    private static func durability(_ server: ReadServer.Row) -> Finding {
        server.hasFsync
            ? .ok("durability", "fsync is on")
            : .warning(
                "durability", "fsync is off: a crash of the machine can lose or break everything",
                "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();")
    }
}
