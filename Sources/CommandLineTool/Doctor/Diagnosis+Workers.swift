import OutboxStore

extension Diagnosis {
    /// What the workers that are alive tell of themselves: what fails again and again in them, and what they cannot work on.
    static func troubles(_ workers: [WorkerOverview]) -> [Finding] {
        let alive = workers.filter(\.isAlive)
        return alive.compactMap(failing) + alive.compactMap(heldBack)
    }

    private static func failing(_ worker: WorkerOverview) -> Finding? {
        guard let trouble = worker.trouble else { return nil }
        return .failure(
            "work",
            "\(trouble.step) has failed \(trouble.failures) times in a row in worker \(worker.id) "
                + "(\(ShortName(worker.name))), for \(Lag.text(trouble.lasts)): \(trouble.error)",
            "see docs/operations/alerts/work-failing.md, and the log of that worker")
    }

    private static func heldBack(_ worker: WorkerOverview) -> Finding? {
        guard worker.heldBack > 0 else { return nil }
        let count = worker.heldBack == 1 ? "1 endpoint" : "\(worker.heldBack) endpoints"
        return .failure(
            "held back",
            "worker \(worker.id) (\(ShortName(worker.name))) cannot work on \(count): \(worker.heldBackWhy ?? "")",
            "start it with the key file that has the key (POSTRIDER_SECRET_KEY_FILE), or correct the endpoint")
    }
}
