import OutboxStore
import Webhooks

extension Story {
    /// The schema and the endpoints.
    func setTheStage() async throws {
        narrator.says("PostgreSQL runs in \(scene.directory) and goes away at the end.")
        narrator.heading("1. The stage: a database, the schema, three endpoints, a worker")
        narrator.types("$ postrider migrate")
        let applied = try await Migrator(scene.database).migrate()
        narrator.says("\(applied.count) migrations make the schema postrider, beside the application's own tables.")
        try await scene.execute("CREATE TABLE orders (id int PRIMARY KEY, total numeric NOT NULL)")
        narrator.says("Three endpoints, each with a signing secret of its own, waiting 1 s between attempts:")
        narrator.types(scene.endpoints.map { registration(of: $0) }.joined(separator: "\n"))
        for endpoint in scene.endpoints {
            _ = try await scene.query(
                """
                SELECT postrider.register_endpoint($1, $2, event_types => ARRAY[$3], secret => $4, \
                retry_schedule => '{1 s,1 s}')
                """, [endpoint.name, url(of: endpoint), endpoint.pattern, endpoint.secret.revealed])
        }
        narrator.says(
            "shop answers 200. flaky answers 503 twice, then 200. broken answers 500. All of them verify every signature."
        )
        narrator.types("$ postrider worker &")
    }

    private func url(of endpoint: DemoEndpoint) -> String {
        scene.addresses[endpoint.name].map { "http://\($0)/\(endpoint.name)" } ?? ""
    }

    private func registration(of endpoint: DemoEndpoint) -> String {
        """
        SELECT postrider.register_endpoint(
            '\(endpoint.name)', '\(url(of: endpoint))', event_types => '{\(endpoint.pattern)}',
            secret => 'whsec_…', retry_schedule => '{1 s,1 s}');
        """
    }

    /// Waits until the worker is at work and has seen the subscriptions: from then on `unaccounted` demands a delivery for
    /// every event.
    func waitForWorker() async throws {
        try await scene.wait(for: "the worker", count: 1, "SELECT count(*) FROM postrider.worker_list WHERE alive")
        try await scene.wait(
            for: "the subscriptions", count: 0,
            "SELECT count(*) FROM postrider.subscriptions WHERE effective_at IS NULL")
    }
}
