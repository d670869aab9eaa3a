import OutboxStore

/// What `status` prints.
struct StatusScreen {
    let snapshot: StatusSnapshot
    /// In which order endpoints are shown.
    var order = StatusOrder.worst
    /// The most lines; nil for no limit.
    var height: Int?

    /// How many endpoints are shown where nothing limits the height.
    static let usualEndpoints = 20
    /// How many sources are shown.
    static let usualSources = 5

    func show(on output: Output) throws {
        let verdict = StatusVerdict(snapshot)
        guard !output.isJSON else { return try output.json(StatusReport(snapshot, verdict)) }
        let tone: Tone = !verdict.isWell ? .bad : snapshot.census.retrying > 0 ? .warning : .good
        var text = lines(verdict.line, tone, on: output)
        for other in verdict.others { text += lines("Also: \(other)", .warning, on: output) }
        text += [.init("")] + table(queues, on: output)
        if let flow = snapshot.flow { text += lines(flow.text, .plain, on: output) }
        if !snapshot.sources.isEmpty { text += [.init("")] + table(.sources(shownSources), on: output) }
        let workers = snapshot.workers.isEmpty ? [] : [StyledLine("")] + table(self.workers, on: output)
        // The endpoints get what the others leave: two lines of a table, one between, and one that says how many more there are.
        let room = height.map { max(1, $0 - text.count - workers.count - 4) } ?? Self.usualEndpoints
        text += endpoints(room, on: output) + workers
        for line in text.prefix(height ?? .max) { output.styled(line) }
    }

    /// When a sentence is too long for one line, its command, which stands after the last colon, gets its own line: there
    /// it can be copied.
    private func lines(_ text: String, _ tone: Tone, on output: Output) -> [StyledLine] {
        guard DisplayWidth.of(text) > output.width else { return [StyledLine(text, tone)] }
        let mark = text.ranges(of: ": ").last.flatMap { text[$0.upperBound...].hasPrefix("postrider ") ? $0 : nil }
        let sentence = mark.map { text[..<$0.lowerBound] + ":" } ?? text[...]
        let folded = Folded.lines(String(sentence), width: output.width, first: "", rest: "  ").map {
            StyledLine($0, tone)
        }
        return folded + (mark.map { [StyledLine("  → \(text[$0.upperBound...].trimming(suffix: "."))")] } ?? [])
    }

    private func table(_ table: Table, on output: Output) -> [StyledLine] {
        output.tableLines(table).map(StyledLine.init(ready:))
    }

    /// Those with most that is dead or waits first.
    private var shownSources: ArraySlice<SourceOverview> {
        snapshot.sources.sorted {
            ($1.dead, $1.queued + $1.retrying, $0.name) < ($0.dead, $0.queued + $0.retrying, $1.name)
        }.prefix(Self.usualSources)
    }

    private var queues: Table {
        let census = snapshot.census
        func count(_ number: Int64) -> String { CappedCount.text(number, isCapped: census.isCapped) }
        var queues = Table([
            .number("EVENTS/H"), .number("PENDING"), .number("IN FLIGHT"), .number("RETRYING"), .number("BLOCKED"),
            .number("HELD"), .number("DEAD"), .number("OLDEST DUE"),
        ])
        let recent = snapshot.events.lastHour
        queues.add(
            CappedCount.text(recent, isCapped: recent >= EventCounts.limit), count(census.pending),
            count(census.inFlight), count(census.retrying), count(census.blocked), count(census.held),
            count(census.deadLetters), census.oldestDueAge.map(Lag.text) ?? "-")
        return queues
    }

    private func endpoints(_ room: Int, on output: Output) -> [StyledLine] {
        guard !snapshot.endpoints.isEmpty else { return [] }
        var shown = order.sorted(snapshot.endpoints).prefix(room)
        var drawn = table(endpointTable(shown), on: output)
        // A long name takes lines of its own.
        while height != nil, drawn.reduce(0, { $0 + output.linesOnScreen($1.text) }) > room + 1, shown.count > 1 {
            shown = shown.dropLast()
            drawn = table(endpointTable(shown), on: output)
        }
        let more = snapshot.census.endpoints - Int64(shown.count)
        return [StyledLine("")] + drawn
            + (more > 0 ? [StyledLine("… and \(Plural.of("endpoint", more)) more: postrider endpoint list")] : [])
    }

    private func endpointTable(_ shown: ArraySlice<CensusRow>) -> Table {
        var table = Table([
            .name("ENDPOINT"), .state("STATE"), .number("PENDING"), .number("RETRYING"), .number("BLOCKED"),
            .number("HELD"), .number("DEAD"), .number("WAITING"), .init(title: "LAST FAILURE", narrowest: 4),
        ])
        for row in shown {
            let endpoint = row.endpoint
            func count(_ number: Int64) -> String { CappedCount.text(number, isCapped: endpoint.isCapped) }
            table.add(
                endpoint.name, row.trouble == .failing ? "failing" : endpoint.state, count(endpoint.pending),
                count(endpoint.retrying), count(endpoint.blocked), count(endpoint.held), count(endpoint.deadLetters),
                endpoint.oldestDueAge.map(Lag.text) ?? "-",
                endpoint.consecutiveFailures > 0
                    ? "\(endpoint.consecutiveFailures)× \(LastFailure.text(endpoint) ?? "")" : "")
        }
        return table
    }

    private var workers: Table {
        var workers = Table([
            .name("WORKER"), .text("VERSION"), .number("IN FLIGHT"), .state("STATE"), .text("SEEN"),
        ])
        for worker in snapshot.workers {
            workers.add(
                worker.name, worker.version, "\(worker.inFlight)",
                !worker.isAlive ? "gone" : worker.isDraining ? "draining" : "working", Age.text(worker.silence))
        }
        return workers
    }
}

/// In which order `status` shows endpoints.
enum StatusOrder: CaseIterable {
    case worst, waiting, name

    /// The next one, for a key that goes through all.
    var next: Self {
        switch self {
        case .worst: .waiting
        case .waiting: .name
        case .name: .worst
        }
    }

    var text: String {
        switch self {
        case .worst: "worst first"
        case .waiting: "longest backlog first"
        case .name: "by name"
        }
    }

    /// Of rows that are sorted by what is worst.
    func sorted(_ rows: [CensusRow]) -> [CensusRow] {
        switch self {
        case .worst: rows
        case .waiting: rows.sorted { ($1.owed, $0.endpoint.name) < ($0.owed, $1.endpoint.name) }
        case .name: rows.sorted { $0.endpoint.name < $1.endpoint.name }
        }
    }
}

extension CensusRow {
    fileprivate var owed: Int64 { endpoint.pending + endpoint.retrying + endpoint.blocked + endpoint.held }
}

extension Substring {
    fileprivate func trimming(suffix: String) -> Substring { hasSuffix(suffix) ? dropLast(suffix.count) : self }
}
