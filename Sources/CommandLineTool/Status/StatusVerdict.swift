import OutboxStore
import Settings

/// One line that says whether all is well, and otherwise what to do first. Decided from the figures only.
struct StatusVerdict: Equatable {
    /// Whether nothing needs an operator.
    let isWell: Bool
    let line: String
    /// What else is wrong, the most pressing first.
    let others: [String]

    init(_ snapshot: StatusSnapshot) {
        let problems = Self.problems(snapshot)
        isWell = problems.isEmpty
        line = problems.first ?? Self.allIsWell(snapshot)
        others = Array(problems.dropFirst())
    }

    /// What failed and is tried again is no reason to act yet, but not well either.
    private static func allIsWell(_ snapshot: StatusSnapshot) -> String {
        guard snapshot.census.retrying > 0 else { return "All is well." }
        let count = CappedCount.deliveries(snapshot.census.retrying, isCapped: snapshot.census.isCapped)
        let blocked = snapshot.census.blocked
        let behind =
            blocked > 0
            ? ", and \(CappedCount.text(blocked, isCapped: snapshot.census.isCapped)) of the same ordering key wait"
            : ""
        return "Working, and \(count) failed and will be tried again\(behind): postrider event list --status retrying."
    }

    /// By the harm that is done. One line for each kind, however many endpoints it is of. Without the right schema or an endpoint
    /// nothing else means much.
    private static func problems(_ snapshot: StatusSnapshot) -> [String] {
        if let problem = schema(snapshot) { return [problem] }
        guard snapshot.census.endpoints > 0 || !snapshot.sources.isEmpty else {
            return ["There are no endpoints, so nothing is delivered: postrider endpoint add NAME URL."]
        }
        let isMany = snapshot.census.failing > 1
        return [
            workers(snapshot), troubles(snapshot), lateness(snapshot), isMany ? failing(snapshot) : nil,
            disabled(snapshot), isMany ? nil : failing(snapshot), blocked(snapshot), housekeeping(snapshot),
            deadLetters(snapshot), missed(snapshot), deadRows(snapshot), lateRows(snapshot), paused(snapshot),
            verifying(snapshot),
        ].compactMap(\.self)
    }

    private static func missed(_ snapshot: StatusSnapshot) -> String? {
        let census = snapshot.expectations
        guard census.missed > 0 else { return nil }
        return "\(census.missedWords.capitalizedFirst): postrider expectation list --state missed."
    }

    private static func deadRows(_ snapshot: StatusSnapshot) -> String? {
        let dead = SourceTrouble(snapshot.sources).dead
        guard let first = dead.first else { return nil }
        let more = dead.count > 1 ? ", and of \(Plural.of("source", dead.count - 1)) more" : ""
        return "\(SourceTrouble.dead(first).capitalizedFirst)\(more): postrider inbox list --status dead."
    }

    private static func lateRows(_ snapshot: StatusSnapshot) -> String? {
        let late = SourceTrouble(snapshot.sources).late
        guard let first = late.first else { return nil }
        let more = late.count > 1 ? ", and of \(Plural.of("source", late.count - 1)) more" : ""
        return "\(SourceTrouble.late(first).capitalizedFirst)\(more): postrider inbox list --status queued."
    }

    private static func schema(_ snapshot: StatusSnapshot) -> String? {
        guard snapshot.schemaVersion != Migration.newest else { return nil }
        return snapshot.schemaVersion < Migration.newest
            ? "The schema is at version \(snapshot.schemaVersion), but this postrider needs \(Migration.newest): "
                + "postrider migrate."
            : "The schema is at version \(snapshot.schemaVersion), newer than the \(Migration.newest) of this "
                + "postrider. Use a newer postrider."
    }

    private static func workers(_ snapshot: StatusSnapshot) -> String? {
        guard snapshot.aliveWorkers.isEmpty else { return nil }
        let census = snapshot.census
        let waiting = census.pending + census.retrying + census.inFlight + census.blocked
        return "No worker is running"
            + (waiting > 0 ? ", and \(CappedCount.deliveries(waiting, isCapped: census.isCapped)) must wait" : "")
            + ". Start one: postrider worker."
    }

    /// In one line, however many workers have one.
    private static func troubles(_ snapshot: StatusSnapshot) -> String? {
        let alive = snapshot.aliveWorkers
        if let worker = alive.first(where: { $0.trouble != nil }), let trouble = worker.trouble {
            return "In worker \(worker.id) \(trouble.step) fails again and again. See why: postrider doctor."
        }
        if let worker = alive.first(where: { Diagnosis.isClockOff($0) }), let ahead = worker.clockAhead {
            let apart = DurationText.short(ahead < .zero ? .zero - ahead : ahead)
            return
                "The clock of worker \(worker.id) is \(apart) \(ahead < .zero ? "behind" : "ahead of") the database's, so it "
                + "claims nothing. See why: postrider doctor."
        }
        guard let worker = alive.first(where: { $0.heldBack > 0 }) else { return nil }
        return "Worker \(worker.id) cannot work on some endpoints. See why: postrider doctor."
    }

    private static func lateness(_ snapshot: StatusSnapshot) -> String? {
        let census = snapshot.census
        guard let age = census.oldestDueAge, age > Census.patience else { return nil }
        let count = CappedCount.text(census.lateDeliveries, isCapped: census.isCapped)
        return "Deliveries are late, the oldest by \(Lag.text(age)); \(count) wait at "
            + "\(Plural.of("endpoint", max(census.late, 1))). See why: postrider doctor."
    }

    private static func failing(_ snapshot: StatusSnapshot) -> String? {
        let count = snapshot.census.failing
        let worst = snapshot.endpoints(in: .failing)
        guard count > 0, let first = worst.first, let time = first.failingFor else { return nil }
        let last = LastFailure.text(first).map { ", last: \($0)" } ?? ""
        let end = worst.compactMap(\.disabledAt).min().map { "Disabled at \($0) if that goes on. " } ?? ""
        let remedy = "\(end)See why: postrider endpoint test \(ShellWord(first.name))."
        guard count > 1 else {
            return "Endpoint \(first.name) has had no success for \(Lag.text(time)), and failed "
                + "\(times(first.consecutiveFailures)) in a row\(last). \(remedy)"
        }
        return
            "\(count) endpoints have had no success for up to \(Lag.text(time)) (\(names(worst, of: count)))\(last). \(remedy)"
    }

    private static func disabled(_ snapshot: StatusSnapshot) -> String? {
        let count = snapshot.census.disabled
        let some = snapshot.endpoints(in: .disabled)
        guard count > 0, let first = some.first else { return nil }
        let reason = first.stateReason.map { ", \($0)" } ?? ""
        let who = count == 1 ? "Endpoint \(first.name) is" : "\(count) endpoints are"
        let detail = count == 1 ? "\(Lag.text(first.stateAge))\(reason)" : names(some, of: count)
        return "\(who) disabled (\(detail)). When it works again: postrider endpoint resume \(ShellWord(first.name))."
    }

    private static func blocked(_ snapshot: StatusSnapshot) -> String? {
        let census = snapshot.census
        guard census.blockedEndpoints > 0, let age = census.oldestBlockedAge else { return nil }
        let count = CappedCount.deliveries(census.blocked, isCapped: census.isCapped)
        return "\(count) of \(Plural.of("ordering key", census.blockedKeys)) "
            + "\(census.blocked == 1 ? "waits" : "wait") behind one that failed, the oldest for \(Lag.text(age)). "
            + "See which: postrider event list --status blocked."
    }

    private static func housekeeping(_ snapshot: StatusSnapshot) -> String? {
        let bad = snapshot.duties.filter { $0.isFailing || $0.isNeglected }.map(\.name)
        guard !bad.isEmpty else { return nil }
        return "Housekeeping is not done: \(bad.joined(separator: ", ")). See why: postrider doctor."
    }

    private static func deadLetters(_ snapshot: StatusSnapshot) -> String? {
        guard snapshot.census.deadLetters > 0 else { return nil }
        let count = CappedCount.deadLetters(snapshot.census.deadLetters, isCapped: snapshot.census.isCapped)
        return "Replay or discard \(count): postrider dead-letter list."
    }

    private static func paused(_ snapshot: StatusSnapshot) -> String? {
        let count = snapshot.census.forgotten
        let some = snapshot.endpoints(in: .paused)
        guard count > 0, let first = some.first else { return nil }
        let held = CappedCount.deliveries(snapshot.census.held, isCapped: snapshot.census.isCapped)
        let who =
            count == 1
            ? "Endpoint \(first.name) is paused (\(Lag.text(first.stateAge)))"
            : "\(count) endpoints are paused (\(names(some, of: count)), for up to \(Lag.text(first.stateAge)))"
        return "\(who); \(held) held: postrider endpoint resume \(ShellWord(first.name))."
    }

    private static func verifying(_ snapshot: StatusSnapshot) -> String? {
        let census = snapshot.census
        guard census.verifying > 0, let age = census.longestVerifying, age > Census.patience else { return nil }
        return
            "\(census.verifying == 1 ? "The receiver of 1 endpoint has" : "The receivers of \(census.verifying) endpoints have") "
            + "not agreed yet, for up to \(Lag.text(age)). See which: postrider endpoint list --status verifying."
    }

    /// The first names, and how many more there are.
    private static func names(_ endpoints: [EndpointOverview], of count: Int64) -> String {
        let named = endpoints.prefix(CensusRow.named)
        let more = count - Int64(named.count)
        return named.map(\.name).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    private static func times(_ count: Int32) -> String { count == 1 ? "once" : "\(count) times" }
}

/// What the last failed attempt at an endpoint failed with, in a few words: `401 bad signature`, `connection refused`.
enum LastFailure {
    /// The most characters of the error.
    private static let limit = 60

    static func text(_ endpoint: EndpointOverview) -> String? {
        let line = endpoint.lastError?.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        let error = line.count > limit ? line.prefix(limit - 1) + "…" : line
        let words = [endpoint.lastHTTPStatus.map { "\($0)" }, error.isEmpty ? nil : String(error)].compactMap(\.self)
        return words.isEmpty ? endpoint.lastErrorCode : words.joined(separator: " ")
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
