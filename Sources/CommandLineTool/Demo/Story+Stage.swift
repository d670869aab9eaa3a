import Webhooks

extension Story {
    /// The schema and the endpoints.
    func setTheStage() async throws {
        narrator.says("PostgreSQL runs in \(scene.directory) and goes away at the end.")
        narrator.heading("1. The stage: a database, the schema, three endpoints, a worker")
        for (name, value) in scene.settings.sorted(by: { $0.key < $1.key }) {
            let (left, right) = ("$ export \(name)=", "\(ShellWord(value))")
            let isLong = left.count + right.count > narrator.columns
            narrator.types(isLong ? "\(left)\\\n      \(right)" : left + right)
        }
        try await command("migrate")
        try await scene.execute("CREATE TABLE orders (id int PRIMARY KEY, total numeric NOT NULL)")
        narrator.says("Three endpoints, each with a signing secret of its own, and 1 s between attempts:")
        for endpoint in scene.endpoints {
            let secret = endpoint.secret.revealed
            try await command(
                "endpoint", "add", endpoint.name, scene.url(of: endpoint), "--event-type", endpoint.pattern, "--secret",
                secret, "--retry-schedule", "1s,1s", hiding: secret)
        }
        narrator.says(
            "shop answers 200. flaky answers 503 twice, then 200. broken answers 500. All of them verify every signature."
        )
        narrator.types("$ postrider worker &")
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
