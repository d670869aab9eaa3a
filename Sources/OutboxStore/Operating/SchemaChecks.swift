package import Postgres

/// What `doctor` asks about the schema.
package enum SchemaChecks {
    /// The roles of the schema, what they lack and what they should not have.
    package static let roles = PostgresQuery<RoleCheck>(
        """
        SELECT r.name, g.oid IS NOT NULL,
               CASE WHEN g.oid IS NULL THEN '{}'::text[] ELSE
                   ARRAY(SELECT 'USAGE ON SCHEMA postrider'
                         WHERE NOT has_schema_privilege(g.oid, 'postrider', 'USAGE'))
                   || ARRAY(SELECT 'EXECUTE ON FUNCTION ' || p.oid::regprocedure
                            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                            WHERE n.nspname = 'postrider' AND p.proname = ANY (r.functions)
                                AND NOT has_function_privilege(g.oid, p.oid, 'EXECUTE') ORDER BY 1)
                   || ARRAY(SELECT t.privilege || ' ON ' || t.relation FROM unnest(r.privileges, r.relations)
                                AS t (privilege, relation)
                            WHERE NOT has_any_column_privilege(g.oid, t.relation, t.privilege) ORDER BY 1)
               END,
               CASE WHEN g.oid IS NULL THEN '{}'::text[] ELSE
                   ARRAY(SELECT 'SELECT ON ' || s.relation FROM unnest(r.secrets) AS s (relation)
                         WHERE has_any_column_privilege(g.oid, s.relation, 'SELECT') ORDER BY 1)
               END,
               g.oid IS NOT NULL AND pg_has_role(g.oid, 'USAGE')
        FROM (VALUES
            ('postrider_producer', ARRAY['publish', 'expect'], ARRAY['INSERT'], ARRAY['postrider.outbox'],
             ARRAY['postrider.outbox', 'postrider.endpoint_secrets']),
            ('postrider_worker', ARRAY['look', 'walk', 'claim', 'settle', 'keep_partitions', 'keep_repaired', 'take_polls'],
             ARRAY['SELECT', 'UPDATE', 'SELECT', 'INSERT'],
             ARRAY['postrider.deliveries', 'postrider.deliveries', 'postrider.endpoint_secrets', 'postrider.workers'],
             ARRAY[]::text[]),
            ('postrider_operator', ARRAY['register_endpoint', 'update_endpoint', 'replay_dead_letters', 'cancel_event'],
             ARRAY['SELECT', 'SELECT'], ARRAY['postrider.event_deliveries', 'postrider.endpoint_health'],
             ARRAY['postrider.endpoint_secrets']),
            ('postrider_registrar', ARRAY['register_endpoint', 'update_endpoint', 'rotate_secret'], ARRAY[]::text[],
             ARRAY[]::text[], ARRAY['postrider.outbox', 'postrider.endpoint_secrets']),
            ('postrider_receiver', ARRAY['load_sources', 'receive'], ARRAY[]::text[],
             ARRAY[]::text[], ARRAY['postrider.received', 'postrider.endpoint_secrets']),
            ('postrider_consumer', ARRAY['take_inbox', 'finish_inbox', 'fail_inbox'], ARRAY[]::text[],
             ARRAY[]::text[], ARRAY['postrider.source_secrets', 'postrider.endpoint_secrets']),
            ('postrider_api', ARRAY['api_tenant', 'api_register', 'api_list', 'api_publish'], ARRAY[]::text[],
             ARRAY[]::text[], ARRAY['postrider.tokens', 'postrider.endpoint_secrets', 'postrider.outbox'])) AS r (name, functions, privileges, relations, secrets)
        LEFT JOIN pg_roles g ON g.rolname = r.name
        ORDER BY r.name
        """)

    /// The triggers on the outbox that work for producers.
    package static let triggers = PostgresQuery<TriggerCheck>(
        """
        SELECT t.tgname::text, bool_and(t.tgenabled IN ('O', 'A'))
        FROM pg_trigger t
        WHERE NOT t.tgisinternal AND (t.tgrelid = 'postrider.outbox'::regclass
            OR t.tgrelid IN (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = 'postrider.outbox'::regclass))
        GROUP BY t.tgname ORDER BY t.tgname
        """)

    /// Watched tables whose triggers have the rights of a role that owned the table when the watch was made.
    package static let strayWatches = PostgresQuery<StrayWatch>(
        """
        SELECT c.oid::regclass::text, pg_get_userbyid(c.relowner)::text, pg_get_userbyid(p.proowner)::text,
               array_agg(DISTINCT p.oid::regprocedure::text)
        FROM postrider.watch_triggers() t
        JOIN pg_proc p ON p.oid = t.function
        JOIN pg_class c ON c.oid = t.relation
        WHERE p.proowner <> c.relowner
        GROUP BY 1, 2, 3 ORDER BY 1 LIMIT 100
        """)

    /// The daily partitions of the tables that grow with time.
    package static let partitions = PostgresQuery<PartitionCheck>(
        """
        WITH day AS MATERIALIZED (
            SELECT p.relname::text AS parent, to_date(right(c.relname, 8), 'YYYYMMDD') AS date
            FROM pg_inherits i
            JOIN pg_class c ON c.oid = i.inhrelid
            JOIN pg_class p ON p.oid = i.inhparent
            WHERE p.oid = ANY ('{postrider.outbox,postrider.attempts,postrider.received,postrider.inbox_ends}'::regclass[])
                AND c.relname ~ '_p[0-9]{8}$'),
        span AS MATERIALIZED (
            SELECT t.parent, array_agg(d.date - (now() AT TIME ZONE 'UTC')::date ORDER BY d.date)
                       FILTER (WHERE d.date IS NOT NULL) AS days,
                   coalesce(min(d.date)::timestamp AT TIME ZONE 'UTC', 'infinity') AS first,
                   coalesce((max(d.date) + 1)::timestamp AT TIME ZONE 'UTC', '-infinity') AS last
            FROM (VALUES ('outbox'), ('attempts'), ('received'), ('inbox_ends')) AS t (parent) LEFT JOIN day d ON d.parent = t.parent
            GROUP BY t.parent)
        SELECT s.parent, coalesce(s.days, '{}'),
               CASE s.parent
                   WHEN 'outbox' THEN (SELECT count(*) FROM (
                       SELECT 1 FROM postrider.outbox o
                       WHERE o.created_at < (SELECT x.first FROM span x WHERE x.parent = 'outbox')
                           OR o.created_at >= (SELECT x.last FROM span x WHERE x.parent = 'outbox')
                       LIMIT \(PartitionCheck.limit)) stray)
                   WHEN 'received' THEN (SELECT count(*) FROM (
                       SELECT 1 FROM postrider.received r
                       WHERE r.received_at < (SELECT x.first FROM span x WHERE x.parent = 'received')
                           OR r.received_at >= (SELECT x.last FROM span x WHERE x.parent = 'received')
                       LIMIT \(PartitionCheck.limit)) stray)
                   WHEN 'inbox_ends' THEN (SELECT count(*) FROM (
                       SELECT 1 FROM postrider.inbox_ends e
                       WHERE e.received_at < (SELECT x.first FROM span x WHERE x.parent = 'inbox_ends')
                           OR e.received_at >= (SELECT x.last FROM span x WHERE x.parent = 'inbox_ends')
                       LIMIT \(PartitionCheck.limit)) stray)
                   ELSE (SELECT count(*) FROM (
                       SELECT 1 FROM postrider.attempts a
                       WHERE a.started_at < (SELECT x.first FROM span x WHERE x.parent = 'attempts')
                           OR a.started_at >= (SELECT x.last FROM span x WHERE x.parent = 'attempts')
                       LIMIT \(PartitionCheck.limit)) stray) END
        FROM span s ORDER BY s.parent DESC
        """)

    private static let unaccountedLimit = 1001

    /// How many deliveries are missing of the last hour's events: 0, or something is broken. Counted up to a limit.
    package static let unaccounted = PostgresQuery<Int64>(
        """
        SELECT count(*) FROM (
            SELECT 1 FROM postrider.unaccounted_between(now() - interval '1 hour', 'infinity') u LIMIT \(unaccountedLimit)) missing
        """)

    /// Whether this login may give an event its number, as the owner may.
    package static let mayNumber = PostgresQuery<Bool>(
        "SELECT pg_catalog.has_column_privilege('postrider.outbox', 'id', 'INSERT')")

    /// Inserts an event as a producer does, for a tenant that has no endpoint. It is to be rolled back.
    ///
    /// - Parameter isNumbered: takes a number that no event has, instead of one of the sequence, which a rollback would not give back.
    package static func insert(isNumbered: Bool) -> PostgresQuery<Void> {
        PostgresQuery(
            isNumbered
                ? """
                INSERT INTO postrider.outbox (id, event_type, payload, tenant) OVERRIDING SYSTEM VALUE
                VALUES (0, 'postrider.doctor', '{}', 'postrider doctor')
                """
                : """
                INSERT INTO postrider.outbox (event_type, payload, tenant) VALUES ('postrider.doctor', '{}', 'postrider doctor')
                """)
    }
}

/// A role of the schema.
package struct RoleCheck: Sendable, Equatable {
    package var role: String
    /// Whether there is such a role.
    package var exists: Bool
    /// What it may not do and should.
    package var missing: [String]
    /// What it may do and should not.
    package var excess: [String]
    /// Whether the login that asks has it.
    package var isOurs: Bool
}

extension RoleCheck: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            role: try row.column(0), exists: try row.column(1), missing: try row.column(2), excess: try row.column(3),
            isOurs: try row.column(4))
    }
}

/// A trigger that was found.
package struct TriggerCheck: Sendable, Equatable {
    /// The triggers there must be.
    package static let needed = ["outbox_1_reject", "outbox_2_skip_known", "outbox_3_fan_out"]

    package var name: String
    /// Whether it fires for ordinary inserts, on the outbox and on every partition that has it.
    package var isEnabled: Bool
}

extension TriggerCheck: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        name = try row.column(0)
        isEnabled = try row.column(1)
    }
}

/// The daily partitions of a table.
package struct PartitionCheck: Sendable, Equatable {
    /// Where counting of ``strays`` stops.
    package static let limit = 1001

    /// `outbox`, `attempts`, `received` or `inbox_ends`.
    package var table: String
    /// Which days have a partition, counted from today in UTC, in order.
    package var days: [Int32]
    /// Rows before the first or after the last of them, which are in the DEFAULT partition; counted up to a limit.
    package var strays: Int64
}

extension PartitionCheck: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        table = try row.column(0)
        days = try row.column(1)
        strays = try row.column(2)
    }
}

/// A watched table that got another owner since.
package struct StrayWatch: Sendable, Equatable, PostgresRecord {
    package let table: String
    package let owner: String
    /// Whose rights its triggers have.
    package let runsAs: String
    /// What they run.
    package let functions: [String]

    package init(table: String, owner: String, runsAs: String, functions: [String]) {
        self.table = table
        self.owner = owner
        self.runsAs = runsAs
        self.functions = functions
    }

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            table: try row.column(0), owner: try row.column(1), runsAs: try row.column(2),
            functions: try row.column(3))
    }
}
