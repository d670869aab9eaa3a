/// The story in its order; each step stands in a file of its own.
struct Story {
    let scene: Scene
    let narrator: Narrator
    /// How many events were inserted.
    var inserted = 0
    /// The orders whose transactions were rolled back.
    var rolledBack: Set<Int> = []

    /// Tells it all.
    mutating func tell() async throws -> Account {
        try await setTheStage()
        let scene = scene
        try await scene.withWorker {
            try await waitForWorker()
            try await takeOrders()
            try await retryAFlakyEndpoint()
            try await buryADeadLetter()
            try await replayTheDeadLetter()
        }
        return try await close()
    }

    /// Says what is typed, and does it.
    func type(_ sql: String) async throws {
        narrator.types(sql)
        try await scene.execute(sql)
    }

    /// Says which command is given, and gives it: the same that a shell would.
    ///
    /// - Parameter secret: not to be shown.
    func command(_ words: String..., hiding secret: String? = nil) async throws {
        narrator.types(command: ["postrider"] + words.map { $0 == secret ? "whsec_…" : "\(ShellWord($0))" })
        let status = await CommandLineTool.run(
            words, in: scene.operatorContext(width: narrator.columns, print: narrator.prints))
        guard status == .done else { throw CommandError(.failure, "postrider \(words[0]) failed") }
    }

    /// Says which query is made, and shows what it finds.
    func look(_ sql: String) async throws {
        narrator.types(sql)
        narrator.shows(try await scene.query(sql))
    }
}
