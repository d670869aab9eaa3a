package import Postgres

/// The three roles of the schema, what they lack and what they should not have.
package struct CheckRoles: PostgresStatement {
    /// A role.
    package struct Row: Sendable, Equatable {
        /// Its name.
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

    /// The text of the statement.
    package static let sql = """
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
            ('postrider_producer', ARRAY['publish'], ARRAY['INSERT'], ARRAY['postrider.outbox'],
             ARRAY['postrider.outbox', 'postrider.endpoint_secrets']),
            ('postrider_worker', ARRAY['discover', 'claim', 'settle', 'keep_partitions', 'keep_repaired'],
             ARRAY['SELECT', 'UPDATE', 'SELECT', 'INSERT'],
             ARRAY['postrider.deliveries', 'postrider.deliveries', 'postrider.endpoint_secrets', 'postrider.workers'],
             ARRAY[]::text[]),
            ('postrider_operator', ARRAY['register_endpoint', 'update_endpoint', 'replay_dead_letters', 'cancel_event'],
             ARRAY['SELECT', 'SELECT'], ARRAY['postrider.event_deliveries', 'postrider.endpoint_health'],
             ARRAY['postrider.endpoint_secrets'])) AS r (name, functions, privileges, relations, secrets)
        LEFT JOIN pg_roles g ON g.rolname = r.name
        ORDER BY r.name
        """

    /// The statement has no parameters.
    package init() {}

    /// Reads a row.
    package static func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> Row {
        Row(
            role: try row.column(0), exists: try row.column(1), missing: try row.column(2), excess: try row.column(3),
            isOurs: try row.column(4))
    }
}
