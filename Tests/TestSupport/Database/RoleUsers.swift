package import Postgres

extension TestOutbox {
    /// A connection of a user who is in a role of the product and has nothing else.
    package func connect(in role: String) async throws -> PostgresConnection {
        let user = "\(role)_user"
        try await script(
            """
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '\(user)') THEN
                    CREATE ROLE \(user) LOGIN IN ROLE \(role);
                END IF;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$
            """)
        return try await connect(as: user)
    }
}

extension PostgresConnection {
    /// The SQLSTATE of each statement; `-` where it succeeds.
    package nonisolated func states(of statements: [String]) async -> [String] {
        var states: [String] = []
        for statement in statements {
            states.append(await refusal(of: statement)?.sqlState?.rawValue ?? "-")
        }
        return states
    }
}
