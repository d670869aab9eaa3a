import OutboxStore

/// What an operator should know of sources, for `status` and `doctor`. Decides only.
struct SourceTrouble {
    /// A consumer may come by the hour; what has been due for longer waits for none.
    static let lateness = Duration.seconds(3600)

    /// Those with rows that are dead.
    let dead: [SourceOverview]
    /// Those of which a row has been due for long.
    let late: [SourceOverview]

    init(_ sources: [SourceOverview]) {
        dead = sources.filter { $0.dead > 0 }
        late = sources.filter { ($0.oldestDueAge ?? .zero) > Self.lateness }
    }

    static func dead(_ source: SourceOverview) -> String {
        let count = SourceCount.text(source.dead)
        return "\(count == "1" ? "1 row" : "\(count) rows") of source \(source.name) could not be processed"
    }

    static func late(_ source: SourceOverview) -> String {
        "a row of source \(source.name) has been due for \(Lag.text(source.oldestDueAge ?? .zero)) and no program takes it"
    }
}
