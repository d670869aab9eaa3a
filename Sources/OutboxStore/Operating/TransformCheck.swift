package import Postgres

/// What `doctor` asks about the role that transforms run as.
package struct TransformCheck: Sendable, Equatable {
    package var exists: Bool
    /// Whom `run_transform` belongs to, and so whose rights transforms have.
    package var runsAs: String
    /// What the role may do and should not.
    package var excess: [String]

    package static let role = "postrider_transform"

    package init(exists: Bool, runsAs: String, excess: [String]) {
        self.exists = exists
        self.runsAs = runsAs
        self.excess = excess
    }

    package static let query = PostgresQuery<TransformCheck>(
        """
        SELECT g.oid IS NOT NULL, pg_get_userbyid(p.proowner)::text,
               CASE WHEN g.oid IS NULL THEN '{}'::text[] ELSE
                   ARRAY(SELECT c.privilege || ' ON SCHEMA postrider' FROM unnest(ARRAY['USAGE', 'CREATE']) AS c (privilege)
                         WHERE has_schema_privilege(g.oid, 'postrider', c.privilege))
                   || ARRAY(SELECT o.name FROM (VALUES ('SUPERUSER', g.rolsuper), ('LOGIN', g.rolcanlogin), ('CREATEROLE', g.rolcreaterole))
                                AS o (name, has) WHERE o.has)
                   || ARRAY(SELECT m.rolname::text FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.roleid
                            WHERE a.member = g.oid ORDER BY 1)
               END
        FROM pg_proc p LEFT JOIN pg_roles g ON g.rolname = 'postrider_transform'
        WHERE p.oid = 'postrider.run_transform(text, jsonb)'::regprocedure
        """)
}

extension TransformCheck: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(exists: try row.column(0), runsAs: try row.column(1), excess: try row.column(2))
    }
}
