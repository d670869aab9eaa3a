import OutboxStore

/// One line that says whether all is well, and otherwise what to do first. Decided from the figures alone.
struct StatusVerdict: Equatable {
    let isWell: Bool
    let line: String

    /// A delivery that has been due for longer than this is late.
    static let lateness = Duration.seconds(60)
    /// So many failures in a row are more than bad luck.
    static let failures: Int32 = 5

    init(_ snapshot: StatusSnapshot) {
        let problem = Self.problem(snapshot)
        isWell = problem == nil
        line = problem ?? "All is well."
    }

    /// The most pressing problem first.
    private static func problem(_ snapshot: StatusSnapshot) -> String? {
        guard snapshot.schemaVersion == Migration.newest else {
            return snapshot.schemaVersion < Migration.newest
                ? "The schema is at version \(snapshot.schemaVersion), this postrider needs \(Migration.newest): "
                    + "run postrider migrate."
                : "The schema is at version \(snapshot.schemaVersion), newer than the \(Migration.newest) of this "
                    + "postrider: use a newer one."
        }
        guard !snapshot.endpoints.isEmpty else {
            return "There are no endpoints, so nothing is delivered: postrider endpoint add NAME URL."
        }
        if snapshot.aliveWorkers == 0 {
            let waiting = snapshot.pending + snapshot.retrying + snapshot.inFlight
            return "No worker is running"
                + (waiting > 0 ? ", with \(deliveries(waiting, snapshot)) waiting" : "")
                + ": start one with postrider worker."
        }
        if let disabled = snapshot.endpoints.first(where: { $0.state == "disabled" }) {
            return "Endpoint \(disabled.name) was disabled"
                + (disabled.stateReason.map { " (\($0))" } ?? "")
                + ": once it is mended, postrider endpoint resume \(ShellWord(disabled.name))."
        }
        if let failing = snapshot.endpoints.first(where: { $0.state == "active" && $0.consecutiveFailures >= failures })
        {
            return "Endpoint \(failing.name) failed \(failing.consecutiveFailures) times in a row: "
                + "see why with postrider endpoint test \(ShellWord(failing.name))."
        }
        if let age = snapshot.oldestDueAge, age > lateness {
            return "Deliveries are late, the oldest by \(Lag.text(age)): "
                + "add workers, or see postrider doctor."
        }
        if snapshot.deadLetters > 0 {
            let letters = CappedCount.text(snapshot.deadLetters, isCapped: snapshot.isCapped)
            return "There are dead letters (\(letters)) to decide about: postrider dead-letter list."
        }
        if let paused = snapshot.endpoints.first(where: { $0.state == "paused" && $0.held > 0 }) {
            return "Endpoint \(paused.name) is paused and holds \(deliveries(paused.held, snapshot)): "
                + "postrider endpoint resume \(ShellWord(paused.name))."
        }
        return nil
    }

    private static func deliveries(_ number: Int64, _ snapshot: StatusSnapshot) -> String {
        CappedCount.deliveries(number, isCapped: snapshot.isCapped)
    }
}
