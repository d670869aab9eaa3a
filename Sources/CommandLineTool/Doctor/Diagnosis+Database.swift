import OutboxStore

extension Diagnosis {
    static func server(_ server: ServerCheck) -> [Finding] {
        [
            version(server), encoding(server), writable(server), connections(server), durability(server),
            isolation(server),
            transport(server),
        ]
    }

    private static func version(_ server: ServerCheck) -> Finding {
        server.versionNumber >= oldestVersion
            ? .ok("postgresql", "version \(server.version)")
            : .failure("postgresql", "version \(server.version) is too old", "upgrade to PostgreSQL 15 or newer")
    }

    private static func encoding(_ server: ServerCheck) -> Finding {
        server.encoding == Migrator.encoding
            ? .ok("encoding", server.encoding)
            : .failure(
                "encoding", "the database is encoded in \(server.encoding), and Postrider needs \(Migrator.encoding)",
                "CREATE DATABASE name ENCODING '\(Migrator.encoding)' TEMPLATE template0;  -- and use that one")
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
                "durability", "fsync is off: a crash of the machine can lose or damage all data",
                "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();")
    }

    private static func isolation(_ server: ServerCheck) -> Finding {
        server.isolation == "read committed"
            ? .ok("isolation", "read committed")
            : .warning(
                "isolation",
                "\(server.isolation) is this login's default; workers ask for read committed, at the cost of some time, but "
                    + "functions that operators call may fail with SQLSTATE 40001",
                "ALTER ROLE \(SQLName(server.role)) SET default_transaction_isolation = 'read committed';")
    }

    private static func transport(_ server: ServerCheck) -> Finding {
        server.isReadableOnTheWay
            ? .warning(
                "transport", "the connection to the database crosses a network without TLS",
                "add sslmode=verify-full to POSTRIDER_DATABASE_URL")
            : .ok("transport", "local, or by TLS")
    }

    static func searchPath(_ schemas: [OpenSchema]) -> [Finding] {
        guard !schemas.isEmpty else { return [.ok("search path", "in its schemas only their owners may create")] }
        return schemas.map { schema in
            let roles = schema.creators.map { $0.map { SQLName($0).description } ?? "PUBLIC" }.joined(separator: ", ")
            return .warning(
                "search path",
                "\(roles) may create in \(schema.name): a function planted there runs as the role that names one without its schema. "
                    + "Postrider does not; producers may",
                "REVOKE CREATE ON SCHEMA \(SQLName(schema.name)) FROM \(roles);")
        }
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

    static func role(_ role: RoleCheck) -> Finding {
        let check = "role \(role.role)"
        guard role.exists else { return .failure(check, "does not exist", "CREATE ROLE \(role.role) NOLOGIN;") }
        if let first = role.missing.first {
            let more = role.missing.count > 1 ? " and \(role.missing.count - 1) more" : ""
            return .failure(check, "lacks \(first)\(more)", "GRANT \(first) TO \(role.role);")
        }
        if let first = role.excess.first {
            return .warning(check, "may \(first), which it should not", revoke(first, from: role.role))
        }
        return .ok(check, role.isOurs ? "complete, and this login has it" : "complete")
    }

    static func login(_ roles: [RoleCheck], _ server: ServerCheck) -> Finding {
        let ours = roles.filter(\.isOurs).map(\.role)
        guard ours.isEmpty else { return .ok("login", "\(server.role) has \(ours.joined(separator: ", "))") }
        return .warning(
            "login", "\(server.role) has none of the roles of Postrider",
            "GRANT postrider_operator TO \(SQLName(server.role));")
    }

    static func triggers(_ triggers: [TriggerCheck]) -> Finding {
        let enabled = Set(triggers.filter(\.isEnabled).map(\.name))
        let known = Set(triggers.map(\.name))
        if let missing = TriggerCheck.needed.first(where: { !known.contains($0) }) {
            return .failure(
                "triggers", "\(missing) is missing on postrider.outbox, so new events are not processed correctly",
                "restore the schema: postrider migrate --print-sql shows how the trigger is made")
        }
        if let disabled = TriggerCheck.needed.first(where: { !enabled.contains($0) }) {
            return .failure(
                "triggers", "\(disabled) is disabled on postrider.outbox, so new events are not processed correctly",
                "ALTER TABLE postrider.outbox ENABLE TRIGGER \(disabled);")
        }
        return .ok("triggers", "all \(TriggerCheck.needed.count) are enabled")
    }

    static func partitions(_ partitions: PartitionCheck) -> Finding {
        let check = "partitions \(partitions.table)"
        let days = Set(partitions.days)
        // The days from today on that have a partition without a gap.
        let ahead = (0...366).first { !days.contains($0) } ?? 366
        let remedy =
            "SELECT postrider.ensure_partitions(7);  -- as the schema's owner, until it returns 0; a worker does it every hour"
        guard ahead > 0 else { return .failure(check, "there is no partition for today", remedy) }
        let text = "they exist for \(ahead - 1) days ahead"
        return ahead > daysAhead ? .ok(check, text) : .warning(check, text, remedy)
    }

    static func defaultPartition(_ partitions: PartitionCheck) -> Finding {
        let check = "default partition \(partitions.table)"
        guard partitions.strays > 0 else { return .ok(check, "empty") }
        let isCapped = partitions.strays >= Int64(PartitionCheck.limit)
        let count = isCapped ? "\(PartitionCheck.limit - 1)+" : "\(partitions.strays)"
        let column =
            switch partitions.table {
            case "outbox": "created_at"
            case "attempts": "started_at"
            default: "received_at"
            }
        return .warning(
            check, "it holds \(count) rows, because the partition of their day was missing",
            "SELECT \(column)::date, count(*) FROM ONLY postrider.\(partitions.table)_default GROUP BY 1;"
                + "  -- they are as good as others, and deleted one by one past their retention")
    }

    static func vacuum(_ vacuum: VacuumCheck, limit: Duration) -> [Finding] {
        [deadRows(vacuum), oldestTransaction(vacuum, limit: limit)] + slots(vacuum)
    }

    private static func deadRows(_ vacuum: VacuumCheck) -> Finding {
        let ago = vacuum.vacuumedAgo.map { "\(Lag.text($0)) ago" } ?? "never"
        let text = "\(vacuum.deadRows) dead rows, \(vacuum.liveRows) live ones, vacuumed \(ago)"
        guard vacuum.hasAutovacuum else {
            return .failure(
                "vacuum", "autovacuum is off; \(text)", "ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();")
        }
        guard vacuum.deadRows > deadRows, vacuum.deadRows > vacuum.liveRows else { return .ok("vacuum", text) }
        return .warning("vacuum", text, "VACUUM postrider.deliveries;  -- first end the transaction that holds it back")
    }

    private static func oldestTransaction(_ vacuum: VacuumCheck, limit: Duration) -> Finding {
        if let name = vacuum.oldestPreparedName, let age = vacuum.oldestPrepared, age > transactionWarning {
            return .warning(
                "transactions", "a prepared transaction has been waiting for \(Lag.text(age))",
                "COMMIT PREPARED or ROLLBACK PREPARED \(SQLText(name));")
        }
        guard let age = vacuum.oldestTransaction, let pid = vacuum.oldestTransactionPID else {
            return .ok("transactions", "this login sees no open transaction")
        }
        let text = "the oldest has been open for \(Lag.text(age)), process \(pid)"
        let remedy = "SELECT pg_terminate_backend(\(pid));  -- after looking at it in pg_stat_activity"
        if age > limit { return .failure("transactions", text, remedy) }
        return age > min(transactionWarning, limit) ? .warning("transactions", text, remedy) : .ok("transactions", text)
    }

    private static func slots(_ vacuum: VacuumCheck) -> [Finding] {
        vacuum.idleSlots.map { slot in
            .warning(
                "replication slots", "no client reads \(slot), and it holds vacuum back",
                "SELECT pg_drop_replication_slot(\(SQLText(slot)));  -- if it is not needed any more")
        }
    }

    private static func revoke(_ privilege: String, from role: String) -> String { "REVOKE \(privilege) FROM \(role);" }
}
