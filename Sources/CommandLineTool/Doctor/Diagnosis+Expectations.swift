import OutboxStore

extension Diagnosis {
    /// What has been due for longer was seen to by no worker.
    private static let expectationPatience = Duration.seconds(300)

    /// Nothing where none is waited for and none was missed.
    static func expectations(_ census: ExpectationCensus?) -> [Finding] {
        guard let census, census != ExpectationCensus() else { return [] }
        var findings: [Finding] = []
        if census.missed > 0 {
            findings.append(
                .warning(
                    "expectations", census.missedWords,
                    "see which: postrider expectation list --state missed; then postrider expectation withdraw"))
        }
        if let age = census.oldestDueAge, age > expectationPatience {
            findings.append(
                .warning(
                    "expectations", "a callback has been overdue for \(Lag.text(age)) and no worker sees to it",
                    "start a worker, or see what its log says of expectations"))
        }
        guard findings.isEmpty else { return findings }
        let open = CappedCount.text(census.waiting + census.polling, isCapped: census.isCapped)
        return [.ok("expectations", open == "1" ? "1 callback is waited for" : "\(open) callbacks are waited for")]
    }
}

extension ExpectationCensus {
    /// Whether there may be more than were counted.
    var isCapped: Bool { waiting + polling >= Self.limit || missed >= Self.limit }

    var missedWords: String {
        let count = CappedCount.text(missed, isCapped: missed >= Self.limit)
        return count == "1" ? "1 callback never came" : "\(count) callbacks never came"
    }
}
