import Postgres
import TestSupport
import Testing

@Suite("Pinned functions", .timeLimit(.minutes(1))) struct PinnedFunctionTests {
    @Test("each function of the schema has its own search path, or was bound when it was made")
    func searchPath() async throws {
        try await TestOutbox.withOutbox { outbox in
            let loose = try await outbox.connection.query(
                """
                SELECT p.proname FROM pg_proc p
                WHERE p.pronamespace = 'postrider'::regnamespace AND p.prosqlbody IS NULL
                    AND NOT coalesce(p.proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']
                """, deadline: TestDatabase.deadline)
            #expect(loose.rows.map(\.first).isEmpty, "\(loose.rows)")
        }
    }

    @Test("the hot functions keep their plans beside it")
    func plans() async throws {
        try await TestOutbox.withOutbox { outbox in
            let pinned = try await outbox.connection.query(
                """
                SELECT p.proname FROM pg_proc p
                WHERE p.pronamespace = 'postrider'::regnamespace
                    AND p.proconfig @> ARRAY['plan_cache_mode=force_generic_plan', 'enable_seqscan=off', 'jit=off']
                ORDER BY p.proname
                """, deadline: TestDatabase.deadline)
            #expect(
                Set(pinned.rows.compactMap { $0.first ?? nil }).isSuperset(
                    of: ["claim", "look", "promote", "settle", "walk"]))
        }
    }
}
