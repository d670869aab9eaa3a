import Postgres

extension PostgresSession {
    /// How long a statement under way may still take when its service is told to stop.
    private static let grace = Duration.milliseconds(500)

    /// Closes in a moment: a database that is there is left to answer, one that is away must not hold up the end.
    func closeSoon() {
        Task {
            try? await Task.sleep(for: Self.grace)
            await close()
        }
    }
}
