import Courier
import Outbox
import OutboxStore
import Settings

/// Decides what is wrong, from a snapshot only.
struct Diagnosis {
    let findings: [Finding]

    /// Whether anything keeps Postrider from working.
    var hasFailures: Bool { findings.contains { $0.level == .failure } }

    init(_ snapshot: DoctorSnapshot) {
        var findings = [Self.configuration(snapshot)]
        findings += Self.server(snapshot.server)
        findings += Self.searchPath(snapshot.openSchemas)
        findings.append(Self.pooler(snapshot.pooler))
        findings.append(Self.clocks(snapshot))
        findings.append(Self.trustedRoots(snapshot))
        findings += Self.proxy(snapshot)
        findings.append(Self.schema(snapshot))
        if let schema = snapshot.schema {
            findings += schema.roles.map(Self.role)
            findings += [schema.transform].compactMap(\.self).map(Self.transforms)
            findings.append(Self.login(schema.roles, snapshot.server))
            findings.append(Self.triggers(schema.triggers))
            findings += Self.watches(schema.strayWatches)
            findings += Self.books(schema.books)
            findings += schema.partitions.map(Self.partitions)
            findings += schema.partitions.map(Self.defaultPartition)
            findings += Self.vacuum(schema.vacuum, limit: snapshot.oldestTransaction)
            findings += Self.housekeeping(schema)
            findings.append(Self.insert(schema.insert))
            findings += Self.secrets(schema.secrets)
            findings.append(Self.unaccounted(schema.unaccounted))
            findings.append(Self.workers(schema))
            findings += Self.logins(schema.workers)
            findings += Self.troubles(schema.workers)
            findings += Self.differences(schema.workers)
            findings.append(Self.backlog(schema.backlog))
            findings += Self.sources(schema.sources)
            findings += Self.expectations(schema.expectations)
            findings += Self.endpoints(schema.endpoints, snapshot.policy)
            findings += Self.reaches(snapshot.reaches, now: snapshot.now)
        }
        self.findings = findings
    }

    /// PostgreSQL below this lacks what the schema uses.
    static let oldestVersion: Int32 = 150_000
    /// Clocks further apart than this get a warning.
    static let clockWarning = Duration.seconds(2)
    /// Receivers refuse signatures that are some minutes old; this is half of that.
    static let clockFailure = Duration.seconds(60)
    /// Fewer free connections than this get a warning.
    static let connectionWarning: Int32 = 10
    /// A worker needs this many.
    static let connectionFailure: Int32 = 5
    /// Partitions that must be there from today on.
    static let daysAhead: Int32 = 2
    /// More dead rows than this in the hot table get a warning, if they also outnumber the live ones.
    static let deadRows: Int64 = 100_000
    /// A transaction that is open for longer than this makes dead rows pile up.
    static let transactionWarning = Duration.seconds(300)
    /// A delivery that has been due for longer than this is late.
    static let lateness = Duration.seconds(60)
    /// A peak of events does not make deliveries as late as this: something is wrong.
    static let latenessFailure = Duration.seconds(900)
    /// The most endpoints that are named one by one.
    static let endpointsNamed = 20

    private static func configuration(_ snapshot: DoctorSnapshot) -> Finding {
        if let problem = snapshot.keyFileProblem {
            return .failure("configuration", problem, "correct the file that POSTRIDER_SECRET_KEY_FILE names")
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
                "schema", "\(snapshot.server.role) may not read its version",
                "GRANT postrider_operator TO \(SQLName(snapshot.server.role));")
        }
        guard version > 0 else {
            return .failure(
                "schema", "there is no record of its version: it was restored without its data, or truncated",
                "restore the data too; or, if nothing in it is needed: DROP SCHEMA postrider CASCADE; then postrider migrate"
            )
        }
        guard version == needed else {
            return version < needed
                ? .failure("schema", "version \(version), but this postrider needs \(needed)", "postrider migrate")
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
                "SELECT count(*) FROM postrider.unaccounted;  -- when the database has little load")
        case .notAllowed:
            return .warning(
                "unaccounted", "not known: this login may not count",
                "run doctor with a login that has postrider_operator")
        }
        guard count > 0 else { return .ok("unaccounted", "no delivery of the last hour is missing") }
        return .failure(
            "unaccounted", "\(Plural.deliveries(count)) of the last hour \(count == 1 ? "is" : "are") missing",
            "run a worker, which repairs this within minutes; then see why: SELECT * FROM postrider.unaccounted;")
    }

    private static func workers(_ schema: DoctorSnapshot.Schema) -> Finding {
        let alive = schema.workers.filter { $0.isAlive }
        guard !alive.isEmpty else {
            // Before an operator starts the first worker, nothing is wrong yet.
            let isLate = schema.backlog.oldest.map { $0 > lateness } ?? false
            return isLate
                ? .failure("workers", "no worker is running, and deliveries wait", "postrider worker")
                : .warning("workers", "no worker is running", "postrider worker")
        }
        let versions = Set(alive.map(\.version)).sorted()
        guard versions.count == 1 else {
            return .warning(
                "workers", "\(alive.count) alive, with the versions \(versions.joined(separator: ", "))",
                "finish the upgrade: restart the workers of older versions")
        }
        return .ok("workers", "\(alive.count) alive")
    }

    private static func backlog(_ backlog: Backlog) -> Finding {
        guard let oldest = backlog.oldest else { return .ok("backlog", "nothing is due") }
        let count = backlog.due >= Backlog.limit ? "at least \(backlog.due)" : "\(backlog.due)"
        let text = "due and not in flight: \(count), the oldest for \(Lag.text(oldest))"
        let remedy = "see postrider status; start more workers (postrider worker), or make the slow endpoint faster"
        if oldest > latenessFailure { return .failure("backlog", text, remedy) }
        return oldest > lateness ? .warning("backlog", text, remedy) : .ok("backlog", text)
    }

    private static func endpoints(_ endpoints: [EndpointLocation], _ policy: EndpointPolicy) -> [Finding] {
        let refused: [Finding] = endpoints.compactMap { endpoint in
            if let fault = endpoint.fault {
                return .failure(
                    "endpoints", "workers cannot read \(endpoint.name): \(fault)",
                    "set it once more: postrider endpoint update \(ShellWord(endpoint.name)); --help shows how")
            }
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

extension Diagnosis {
    /// The owner of a certificate that expires sooner should hear of it.
    static let certificateDays: Int64 = 14

    static func trustedRoots(_ snapshot: DoctorSnapshot) -> Finding {
        guard let file = snapshot.trustedRoots else {
            return .failure(
                "tls roots", "no trusted certificates are installed, so every https endpoint would fail",
                "apt-get install ca-certificates")
        }
        return .ok("tls roots", file)
    }

    /// Whether the proxy itself can be reached.
    static func proxy(_ snapshot: DoctorSnapshot) -> [Finding] {
        guard let proxy = snapshot.proxy else { return [] }
        switch snapshot.proxyReach {
        case nil: return [.ok("proxy", "\(proxy), not tried (--offline)")]
        case .reached: return [.ok("proxy", "\(proxy) can be reached")]
        case .blocked, .failed:
            var why = ""
            if case .failed(let code, let detail) = snapshot.proxyReach { why = ": \(code.rawValue), \(detail)" }
            return [
                .failure(
                    "proxy", "\(proxy) cannot be reached\(why)",
                    "start the proxy, or correct POSTRIDER_PROXY: nothing can be sent without it")
            ]
        }
    }

    /// What came of connecting to the endpoints' hosts: names and connections, then certificates.
    static func reaches(_ reaches: [HostReach]?, now: Double) -> [Finding] {
        guard let reaches else { return [.ok("hosts", "not tried (--offline)")] }
        let problems = reaches.compactMap(problem)
        let reached = reaches.isEmpty ? "there are none to reach" : "all \(reaches.count) can be reached"
        return (problems.isEmpty ? [.ok("hosts", reached)] : Array(problems.prefix(endpointsNamed)))
            + certificates(reaches, now: now)
    }

    private static func problem(_ host: HostReach) -> Finding? {
        let test = "postrider endpoint test \(ShellWord(host.endpoint))"
        switch host.reach {
        case .reached: return nil
        case .blocked(let address):
            return .failure(
                "hosts",
                "\(host.place) (endpoint \(host.endpoint)) leads to \(address), which the policy forbids",
                "correct the name's addresses, or allow the network in POSTRIDER_ALLOWED_NETWORKS")
        case .failed(.dnsFailure, let detail):
            return .failure(
                "hosts", "\(host.place) (endpoint \(host.endpoint)) cannot be resolved: \(detail)",
                "postrider endpoint update \(ShellWord(host.endpoint)) --url URL, or fix the name server")
        case .failed(.proxyError, let detail):
            return .warning(
                "hosts", "\(host.place) (endpoint \(host.endpoint)): \(detail)",
                "see the proxy's logs: it makes the connection, or does not")
        case .failed(.tlsFailure, let detail):
            return .failure("certificates", "\(host.place) (endpoint \(host.endpoint)): \(detail)", test)
        case .failed(let code, let detail):
            // The host may be up again before the next attempt: that is what retries are for.
            return .warning(
                "hosts", "\(host.place) (endpoint \(host.endpoint)): \(code.rawValue), \(detail)", test)
        }
    }

    private static func certificates(_ reaches: [HostReach], now: Double) -> [Finding] {
        let known = reaches.compactMap { host -> (host: HostReach, days: Int64)? in
            guard case .reached(let expiry?) = host.reach, let now = Int64(exactly: now.rounded()) else { return nil }
            return (host, (expiry - now) / 86_400)
        }
        .sorted { $0.days < $1.days }
        guard let first = known.first else { return [] }
        guard first.days < certificateDays else {
            return [.ok("certificates", "\(known.count) seen; the first one expires in \(first.days) days")]
        }
        return known.prefix(endpointsNamed).filter { $0.days < certificateDays }.map { host, days in
            .warning(
                "certificates",
                "the certificate of \(host.place) (endpoint \(host.endpoint)) expires in \(days) days",
                "tell its owner; without a new certificate deliveries will fail with tls_failure")
        }
    }
}

/// What one check of `doctor` found.
struct Finding: Encodable, Equatable {
    enum Level: String, Encodable {
        case ok, warning, failure
    }

    /// What was looked at, as one or two words that stay the same.
    let check: String
    let level: Level
    /// What was found, with the figure.
    let finding: String
    /// What to do about it: a command, a statement or a setting.
    let remedy: String?

    static func ok(_ check: String, _ finding: String) -> Finding {
        Finding(check: check, level: .ok, finding: finding, remedy: nil)
    }

    static func warning(_ check: String, _ finding: String, _ remedy: String) -> Finding {
        Finding(check: check, level: .warning, finding: finding, remedy: remedy)
    }

    static func failure(_ check: String, _ finding: String, _ remedy: String) -> Finding {
        Finding(check: check, level: .failure, finding: finding, remedy: remedy)
    }
}
