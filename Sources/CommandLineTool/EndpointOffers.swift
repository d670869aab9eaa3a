import ArgumentParser
import Logging
import OutboxStore
import Postgres
import Telemetry

extension CompletionKind {
    /// The names of endpoints.
    static var endpointName: CompletionKind { .custom { _, _, _ in EndpointOffers.current } }
    /// The names of sources.
    static var sourceName: CompletionKind { .custom { _, _, _ in EndpointOffers.current } }
}

/// The names of endpoints, or of sources, that a shell offers. It asks this executable for them, as `---completion … -- …`.
enum EndpointOffers {
    /// What the parser gives to the shell that asks.
    @TaskLocal static var current: [String] = []

    /// How long a person who pressed Tab waits for the database.
    static let patience = Duration.seconds(1)
    /// The most names that are offered: more are no help.
    static let limit: Int32 = 1000

    /// Names for what is typed; none when the shell asks for nothing, or the database does not answer in time. It says nothing:
    /// the person is in the middle of a line.
    static func names(for arguments: [String], in context: CommandContext) async -> [String] {
        guard let asked = Asked(arguments) else { return [] }
        var context = context
        context.databaseURL = asked.databaseURL.map { Redacted($0) }
        let names = try? await known(asked, in: context)
        return (names ?? []).filter(isPlain)
    }

    private static func known(_ asked: Asked, in context: CommandContext) async throws -> [String] {
        let end = ContinuousClock.now + patience
        let connection = try await PostgresConnection.connect(
            try context.database(context.configuration()), deadline: patience,
            logger: Logger(label: "postrider") { _ in SwiftLogNoOpLogHandler() })
        // The process ends right after this, and the connection with it.
        let names =
            asked.areSources
            ? WebhookSources.names(beginningWith: asked.prefix, limit: limit)
            : Endpoints.names(beginningWith: asked.prefix, limit: limit)
        return try await connection.run(names, deadline: ContinuousClock.now.duration(to: end))
    }

    /// Whether a shell takes the name as it is. bash expands what it is offered, so a name with `$(…)` in it would run.
    static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { $0.isASCIIAlphanumeric || plainMarks.contains($0) }
    }

    private static let plainMarks = Array("-_.@+/".utf8)

    /// What a shell says when it asks.
    struct Asked: Equatable {
        /// What is typed of the name.
        let prefix: String
        /// What `--database-url` says on that line.
        let databaseURL: String?
        /// Whether the names are those of sources.
        let areSources: Bool

        /// Nil when the arguments are no such question.
        init?(_ arguments: [String]) {
            guard arguments.first == "---completion", let dashes = arguments.firstIndex(of: "--") else { return nil }
            // After the dashes: the argument to complete, which word it is, the place of the cursor in it, and all words.
            let rest = Array(arguments[(dashes + 1)...])
            let words = Array(rest.dropFirst(3))
            let index = rest.count > 1 ? Int(rest[1]) ?? -1 : -1
            areSources = arguments.dropFirst().first == "source" || rest.first == "--source"
            prefix = words.indices.contains(index) ? words[index] : ""
            let option = words.firstIndex(of: "--database-url").map { $0 + 1 }
            databaseURL = option.flatMap { words.indices.contains($0) ? words[$0] : nil }
        }
    }
}

extension UInt8 {
    fileprivate var isASCIIAlphanumeric: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
