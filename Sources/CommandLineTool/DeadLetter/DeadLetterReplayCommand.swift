import ArgumentParser
import Outbox
import OutboxStore

struct DeadLetterReplayCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Replay dead letters: they are sent again, with a new retry schedule.",
        discussion: """
            A replayed delivery keeps its webhook-id, and its attempt numbers continue. --dry-run counts the dead letters \
            and changes nothing. A dead letter whose event has expired is left and counted apart, unless --ignore-expiry is \
            given. On a terminal, --endpoint and --all show how many there are and ask first. A time is a \
            moment such as 2024-11-20T12:00:00Z, or a length of time before now such as 2h.

            Example:
              postrider dead-letter replay --endpoint billing --since 2h --dry-run
            """)

    @Argument(help: "The ids, as dead-letter list shows them.")
    var ids: [Int64] = []

    @Option(help: ArgumentHelp("All dead letters of this endpoint.", valueName: "name"))
    var endpoint: String?

    @Flag(help: "All dead letters.")
    var all = false

    @Option(
        help: ArgumentHelp("Only those that died at this time or later.", valueName: "time"), transform: Moment.init)
    var since: Moment?

    @Option(help: ArgumentHelp("Only those that died before this time.", valueName: "time"), transform: Moment.init)
    var until: Moment?

    @Option(help: ArgumentHelp("Only those of this event type.", valueName: "type"))
    var eventType: String?

    @Option(help: ArgumentHelp("The most to replay; the oldest come first.", valueName: "n"))
    var max: Int?

    @Flag(help: "Replay those too whose event has expired; they are sent all the same.")
    var ignoreExpiry = false

    @Flag(help: "Count them and change nothing.")
    var dryRun = false

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let replayed: Int
        /// Left, because the event has expired.
        let expired: Int
        /// Left, because too many attempts were made.
        let spent: Int
        let dryRun: Bool
    }

    func validate() throws {
        let selection = try ReplaySelection(ids: ids, endpoint: endpoint, all: all)
        if case .some = selection, since != nil || until != nil || eventType != nil || max != nil {
            throw ValidationError("--since, --until, --event-type and --max go with --endpoint or --all, not with IDs.")
        }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try max.map { try Bounded.check($0, of: "--max", in: 1...Replay.most) } ?? Replay.most
        let isWide = !dryRun && ids.isEmpty && !confirmation.yes && context.inputIsTerminal
        if isWide {
            let tally = try await replay(in: context, limit: limit, isDryRun: true)
            try Confirmation(confirmation, output, in: context).ask("Replay \(Plural.deadLetters(tally.replayed))?")
        }
        let tally = try await replay(in: context, limit: limit, isDryRun: dryRun)
        guard !output.isJSON else {
            return try output.json(
                Report(
                    replayed: tally.replayed, expired: tally.expired, spent: tally.spent, dryRun: dryRun))
        }
        let letters = Plural.deadLetters(tally.replayed)
        output.line(dryRun ? "Would replay \(letters); nothing was changed." : "Replayed \(letters).")
        let verb = dryRun ? "would be left" : tally.expired == 1 ? "was left" : "were left"
        if tally.expired > 0 {
            output.line(
                "\(tally.expired) \(tally.expired == 1 ? "has" : "have") expired and \(verb); "
                    + "--ignore-expiry sends \(tally.expired == 1 ? "it" : "them") all the same.")
        }
        if tally.spent > 0 {
            output.line(
                "\(tally.spent) cannot be replayed any more: too many attempts were made. Publish new events instead.")
        }
    }

    private func replay(in context: CommandContext, limit: Int, isDryRun: Bool) async throws -> Replay.Tally {
        var selection = DeadLetters.Selection()
        selection.ignoresExpiry = ignoreExpiry
        selection.eventType = try eventType.map { try EventType($0).text }
        return try await context.withDatabase { connection in
            let replay = Replay(connection: connection, isDryRun: isDryRun)
            switch try ReplaySelection(ids: ids, endpoint: endpoint, all: all) {
            case .some(let ids): return try await replay.letters(ids, ignoringExpiry: ignoreExpiry)
            case .every(let endpoint):
                if let endpoint { try await connection.requireEndpoint(endpoint) }
                let clock = try await connection.readClock()
                selection.endpoint = endpoint
                selection.since = since?.ago(from: clock)
                selection.until = until?.ago(from: clock)
                return try await replay.all(selection, limit: limit)
            }
        }
    }
}

/// Which dead letters a replay is about.
enum ReplaySelection: Equatable {
    case some([Int64])
    case every(endpoint: String?)

    /// Exactly one of the three has to be given.
    init(ids: [Int64], endpoint: String?, all: Bool) throws(ValidationError) {
        switch (ids.isEmpty, endpoint, all) {
        case (false, nil, false): self = .some(ids)
        case (true, .some(let endpoint), false): self = .every(endpoint: endpoint)
        case (true, nil, true): self = .every(endpoint: nil)
        default: throw ValidationError("Give one of these: IDs, --endpoint NAME, or --all.")
        }
    }
}
