import OutboxStore
import Settings

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
                + "(\(worker.name)), for \(Lag.text(trouble.lasts)): \(trouble.error)",
            "see docs/operations/alerts/work-failing.md, and the log of that worker")
    }

    private static func heldBack(_ worker: WorkerOverview) -> Finding? {
        guard worker.heldBack > 0 else { return nil }
        let count = worker.heldBack == 1 ? "1 endpoint" : "\(worker.heldBack) endpoints"
        return .failure(
            "held back",
            "worker \(worker.id) (\(worker.name)) cannot work on \(count): \(worker.heldBackWhy ?? "")",
            "start it with the key file that has the key (POSTRIDER_SECRET_KEY_FILE), or correct the endpoint")
    }

    /// Workers that could do anything to the database if something were wrong with them.
    static func logins(_ workers: [WorkerOverview]) -> [Finding] {
        let mighty = Dictionary(grouping: workers.filter { $0.isAlive && $0.mightiness != nil }, by: \.login)
        return mighty.sorted { $0.key < $1.key }.prefix(settingsNamed).map { login, workers in
            .warning(
                "worker login",
                "\(workers.count == 1 ? "a worker works" : "\(workers.count) workers work") as \(SQLName(login)), which "
                    + "\(workers.first?.mightiness ?? "")",
                "make a login for workers and name it in POSTRIDER_DATABASE_URL: CREATE ROLE courier LOGIN; GRANT postrider_worker TO courier;"
            )
        }
    }

    /// What should be the same in all workers, and is not.
    static func differences(_ workers: [WorkerOverview]) -> [Finding] {
        let alive = workers.filter(\.isAlive)
        var findings = alive.compactMap(clock)
        let settings = Dictionary(grouping: alive.filter { $0.settings != nil }) { $0.settings ?? "" }
        if settings.count > 1 {
            let each = settings.sorted { $0.key < $1.key }.prefix(Self.settingsNamed).map { text, workers in
                "\(workers.count == 1 ? "worker" : "workers") \(workers.map { "\($0.id)" }.prefix(Self.settingsNamed).joined(separator: ", ")): \(text)"
            }
            findings.append(
                .warning(
                    "settings", "workers were started differently. \(each.joined(separator: ". "))",
                    "start all workers with the same POSTRIDER_ALLOW_HTTP, POSTRIDER_ALLOWED_NETWORKS, POSTRIDER_PROXY and POSTRIDER_SECRET_KEY_FILE"
                ))
        }
        return findings
    }

    /// The most groups of workers, and of each the most workers, that are named.
    private static let settingsNamed = 5

    /// Whether a worker's clock is so far off that it claims nothing.
    static func isClockOff(_ worker: WorkerOverview) -> Bool {
        worker.clockAhead.map { max($0, .zero - $0) > clockFailure } ?? false
    }

    private static func clock(_ worker: WorkerOverview) -> Finding? {
        guard let ahead = worker.clockAhead else { return nil }
        let apart = ahead < .zero ? .zero - ahead : ahead
        guard apart > clockWarning else { return nil }
        let text =
            "the clock of worker \(worker.id) (\(worker.name)) is \(DurationText.short(apart)) "
            + "\(ahead < .zero ? "behind" : "ahead of") the database's"
        let remedy = "synchronise the clock of that machine, for instance: systemctl enable --now systemd-timesyncd"
        return apart > clockFailure
            ? .failure("clocks", text + ", so it claims nothing", remedy) : .warning("clocks", text, remedy)
    }
}
