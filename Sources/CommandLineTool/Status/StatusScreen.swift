import OutboxStore

/// What `status` prints.
struct StatusScreen {
    let snapshot: StatusSnapshot

    func show(on output: Output) throws {
        let verdict = StatusVerdict(snapshot)
        guard !output.isJSON else { return try output.json(StatusReport(snapshot, verdict)) }
        say(verdict.line, verdict.isWell ? .good : .bad, on: output)
        for other in verdict.others { say("Also: \(other)", .warning, on: output) }
        showFigures(on: output)
    }

    /// A sentence that is too long for a line gets its command, which stands after the last colon, on a line of its own:
    /// there it can be copied.
    private func say(_ text: String, _ tone: Tone, on output: Output) {
        guard DisplayWidth.of(text) > output.width, let mark = text.ranges(of: ": ").last else {
            return output.line(text, tone)
        }
        let sentence = String(text[..<mark.lowerBound])
        for line in Folded.lines(sentence, width: output.width, first: "", rest: "  ") { output.line(line, tone) }
        output.line("  → \(text[mark.upperBound...].trimming(suffix: "."))")
    }

    private func showFigures(on output: Output) {
        func count(_ number: Int64) -> String { CappedCount.text(number, isCapped: snapshot.isCapped) }
        var queues = Table([
            .number("EVENTS/H"), .number("PENDING"), .number("IN FLIGHT"), .number("RETRYING"), .number("HELD"),
            .number("DEAD"), .number("OLDEST DUE"),
        ])
        let recent = snapshot.events.lastHour
        queues.add(
            CappedCount.text(recent, isCapped: recent >= EventCounts.limit), count(snapshot.pending),
            count(snapshot.inFlight), count(snapshot.retrying), count(snapshot.held), count(snapshot.deadLetters),
            snapshot.oldestDueAge.map(Lag.text) ?? "-")
        output.line("")
        output.table(queues)
        if !snapshot.endpoints.isEmpty {
            output.line("")
            output.table(.endpoints(snapshot.endpoints))
        }
        guard !snapshot.workers.isEmpty else { return }
        var workers = Table([
            .name("WORKER"), .text("VERSION"), .number("IN FLIGHT"), .state("STATE"), .text("SEEN"),
        ])
        for worker in snapshot.workers {
            workers.add(
                worker.name, worker.version, "\(worker.inFlight)",
                !worker.isAlive ? "gone" : worker.isDraining ? "draining" : "working", Age.text(worker.silence))
        }
        output.line("")
        output.table(workers)
    }
}

extension Substring {
    fileprivate func trimming(suffix: String) -> Substring { hasSuffix(suffix) ? dropLast(suffix.count) : self }
}
