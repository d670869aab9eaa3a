import Outbox
import OutboxStore
import Settings

/// Decides what is wrong, from a snapshot alone.
struct Diagnosis {
    let findings: [Finding]

    /// Whether anything keeps Postrider from working.
    var hasFailures: Bool { findings.contains { $0.level == .failure } }

    init(_ snapshot: DoctorSnapshot) {
        var findings = [Self.configuration(snapshot)]
        findings += Self.server(snapshot.server)
        findings.append(Self.pooler(snapshot.pooler))
        findings.append(Self.clocks(snapshot))
        findings.append(Self.trustedRoots(snapshot))
        findings.append(Self.schema(snapshot))
        if let schema = snapshot.schema {
            findings += schema.roles.map(Self.role)
            findings.append(Self.login(schema.roles, snapshot.server))
            findings.append(Self.triggers(schema.triggers))
            findings += schema.partitions.map(Self.partitions)
            findings += schema.partitions.map(Self.defaultPartition)
            findings += Self.vacuum(schema.vacuum, limit: snapshot.oldestTransaction)
            findings.append(Self.unaccounted(schema.unaccounted))
            findings.append(Self.workers(schema))
            findings.append(Self.backlog(schema.backlog))
            findings += Self.endpoints(schema.endpoints, snapshot.policy)
            findings += Self.reaches(snapshot.reaches, now: snapshot.now)
        }
        self.findings = findings
    }

    /// PostgreSQL below this lacks what the schema uses.
    static let oldestVersion: Int32 = 150_000
    /// Clocks further apart than this are worth a look.
    static let clockWarning = Duration.seconds(2)
    /// Receivers refuse signatures that are minutes off; this is half way there.
    static let clockFailure = Duration.seconds(60)
    /// Fewer free connections than this are worth a look.
    static let connectionWarning: Int32 = 10
    /// A worker needs this many.
    static let connectionFailure: Int32 = 5
    /// Partitions that must be there from today on.
    static let daysAhead: Int32 = 2
    /// Dead rows in the hot table that are worth a look, when they outnumber the live ones.
    static let deadRows: Int64 = 100_000
    /// A transaction that is open for longer than this makes dead rows pile up.
    static let transactionWarning = Duration.seconds(300)
    /// A delivery that has been due for longer than this is late.
    static let lateness = Duration.seconds(60)
    /// So late is no peak.
    static let latenessFailure = Duration.seconds(900)
    /// The most endpoints that are named one by one.
    static let endpointsNamed = 20

    private static func configuration(_ snapshot: DoctorSnapshot) -> Finding {
        if let problem = snapshot.keyFileProblem {
            return .failure("configuration", problem, "mend the file that POSTRIDER_SECRET_KEY_FILE names")
        }
        let networks = snapshot.policy.addresses.allowed.map { "\($0)" }.joined(separator: ", ")
        let parts = [
            snapshot.policy.allowHTTP ? "http allowed" : "https only",
            networks.isEmpty ? "public addresses only" : "also in \(networks)",
            snapshot.hasKeyFile ? "new secrets are sealed" : "new secrets are stored as they are",
        ]
        return .ok("configuration", parts.joined(separator: "; "))
    }

    private static func clocks(_ snapshot: DoctorSnapshot) -> Finding {
        let apart = snapshot.clockOffset < .zero ? .zero - snapshot.clockOffset : snapshot.clockOffset
        let certain = max(.zero, apart - snapshot.clockUncertainty)
        let text = "this machine and the database are \(DurationText.short(apart)) apart"
        let remedy = "synchronise both clocks, for instance: systemctl enable --now systemd-timesyncd"
        if certain > clockFailure { return .failure("clocks", text, remedy) }
        if certain > clockWarning { return .warning("clocks", text, remedy) }
        return .ok("clocks", text)
    }

    private static func schema(_ snapshot: DoctorSnapshot) -> Finding {
        let needed = Migration.newest
        guard snapshot.server.hasSchema else {
            return .failure("schema", "there is no schema postrider in this database", "postrider migrate")
        }
        guard snapshot.server.mayUseSchema else {
            return .failure(
                "schema", "\(snapshot.server.role) may not use the schema postrider",
                "GRANT postrider_operator TO \(SQLName(snapshot.server.role));")
        }
        guard let version = snapshot.schemaVersion else {
            return .failure(
                "schema", "its version cannot be read by \(snapshot.server.role)",
                "GRANT postrider_operator TO \(SQLName(snapshot.server.role));")
        }
        guard version == needed else {
            return version < needed
                ? .failure("schema", "version \(version), this postrider needs \(needed)", "postrider migrate")
                : .failure(
                    "schema", "version \(version), newer than the \(needed) of this postrider", "use a newer postrider")
        }
        return .ok("schema", "version \(version)")
    }

    private static func unaccounted(_ unaccounted: DoctorSnapshot.Unaccounted) -> Finding {
        let count: Int64
        switch unaccounted {
        case .counted(let number): count = number
        case .tooSlow:
            return .warning(
                "unaccounted", "not known: counting took too long",
                "SELECT count(*) FROM postrider.unaccounted;  -- when it is quiet")
        case .notAllowed:
            return .warning(
                "unaccounted", "not known: this login may not count",
                "run doctor with a login that has postrider_operator")
        }
        guard count > 0 else { return .ok("unaccounted", "nothing is missing of the last hour") }
        return .failure(
            "unaccounted", "missing of the last hour: \(Plural.deliveries(count))",
            "run a worker, which repairs this within minutes; then see why: SELECT * FROM postrider.unaccounted;")
    }

    private static func workers(_ schema: DoctorSnapshot.Schema) -> Finding {
        let alive = schema.workers.filter { $0.isAlive }
        guard !alive.isEmpty else {
            // Before the first worker was started nothing is wrong yet.
            let isLate = schema.backlog.oldest.map { $0 > lateness } ?? false
            return isLate
                ? .failure("workers", "none is alive, and deliveries wait", "postrider worker")
                : .warning("workers", "none is alive", "postrider worker")
        }
        let versions = Set(alive.map(\.version)).sorted()
        guard versions.count == 1 else {
            return .warning(
                "workers", "\(alive.count) alive, of versions \(versions.joined(separator: ", "))",
                "finish the upgrade: restart those of older versions")
        }
        return .ok("workers", "\(alive.count) alive")
    }

    private static func backlog(_ backlog: Backlog) -> Finding {
        guard let oldest = backlog.oldest else { return .ok("backlog", "nothing is due") }
        let count = backlog.due >= Backlog.limit ? "at least \(backlog.due)" : "\(backlog.due)"
        let text = "due and not in flight: \(count), the oldest for \(Lag.text(oldest))"
        let remedy = "see postrider status; start more workers (postrider worker), or mend the endpoint that is slow"
        if oldest > latenessFailure { return .failure("backlog", text, remedy) }
        return oldest > lateness ? .warning("backlog", text, remedy) : .ok("backlog", text)
    }

    private static func endpoints(_ endpoints: [EndpointLocation], _ policy: EndpointPolicy) -> [Finding] {
        let refused: [Finding] = endpoints.compactMap { endpoint in
            do {
                _ = try policy.endpointURL(endpoint.url)
                return nil
            } catch {
                return .failure(
                    "endpoints", "nothing can be sent to \(endpoint.name): \(error)",
                    "postrider endpoint update \(ShellWord(endpoint.name)) --url URL")
            }
        }
        guard !refused.isEmpty else { return [.ok("endpoints", "the policy accepts all \(endpoints.count) URLs")] }
        guard refused.count > endpointsNamed else { return refused }
        return refused.prefix(endpointsNamed) + [
            .failure("endpoints", "\(refused.count - endpointsNamed) more are refused", "postrider endpoint list")
        ]
    }
}
