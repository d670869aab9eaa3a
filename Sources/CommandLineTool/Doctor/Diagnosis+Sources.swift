import OutboxStore

extension Diagnosis {
    /// The most sources that are named one by one.
    private static let sourcesNamed = 20

    /// Nothing where there are no sources.
    static func sources(_ sources: [SourceOverview]) -> [Finding] {
        guard !sources.isEmpty else { return [] }
        let trouble = SourceTrouble(sources)
        let dead = trouble.dead.prefix(sourcesNamed).map { source in
            Finding.warning(
                "sources", SourceTrouble.dead(source),
                "see why: postrider inbox list --source \(source.name) --status dead; then postrider inbox replay")
        }
        let late = trouble.late.prefix(sourcesNamed).map { source in
            Finding.warning(
                "sources", SourceTrouble.late(source),
                "start its consumer, or see what keeps it: postrider inbox list --source \(source.name) --status queued"
            )
        }
        guard dead.isEmpty, late.isEmpty else { return dead + late }
        let last = sources.compactMap(\.lastReceivedAgo).min()
        return [
            .ok(
                "sources",
                "\(Plural.of("source", sources.count)); "
                    + (last.map { "the last webhook came \(Age.text($0))" } ?? "nothing was received yet"))
        ]
    }
}
