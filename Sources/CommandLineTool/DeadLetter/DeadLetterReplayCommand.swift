import ArgumentParser
import Outbox
import OutboxStore
import Postgres

struct DeadLetterReplayCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Replay dead letters: they are sent again, with a new retry schedule.",
        discussion: """
            A replayed delivery keeps its webhook-id, and its attempt numbers continue. --dry-run counts the dead letters \
            and changes nothing. A dead letter whose event has expired is left and counted apart, unless --ignore-expiry is \
            given. On a terminal, --endpoint and --all show how many there are and ask first. A time is a \
            moment such as 2024-11-20T12:00:00Z, or a length of time before now such as 2h. --to sends them to another \
            endpoint instead, also when theirs was removed; those whose event it has already are left.

            Example:
              postrider dead-letter replay --endpoint billing --since 2h --dry-run
              postrider dead-letter replay --endpoint billing --to billing-new
            """)

    @Argument(help: "The ids, as dead-letter list shows them.")
    var ids: [Int64] = []

    @OptionGroup var bulk: BulkOptions

    @Option(
        help: ArgumentHelp("Send them to this endpoint instead of theirs.", valueName: "name"),
        completion: .endpointName)
    var to: String?

    @Flag(help: "Replay those too whose event has expired; they are sent all the same.")
    var ignoreExpiry = false

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let replayed: Int
        /// Left, because the event has expired.
        let expired: Int
        /// Left, because too many attempts were made.
        let spent: Int
        /// Left, because the endpoint of --to has their event already or may not have it.
        let unfit: Int
        let dryRun: Bool
    }

    func validate() throws {
        _ = try ReplaySelection(ids: ids, endpoint: bulk.endpoint, all: bulk.all)
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try bulk.checkedLimit()
        let isWide = !bulk.dryRun && ids.isEmpty && !confirmation.yes && context.inputIsTerminal
        if isWide {
            let tally = try await replay(in: context, limit: limit, isDryRun: true)
            try Confirmation(confirmation, output, in: context).ask("Replay \(Plural.deadLetters(tally.replayed))?")
        }
        let tally = try await replay(in: context, limit: limit, isDryRun: bulk.dryRun)
        guard !output.isJSON else {
            return try output.json(
                Report(
                    replayed: tally.replayed, expired: tally.expired, spent: tally.spent, unfit: tally.unfit,
                    dryRun: bulk.dryRun))
        }
        show(tally, output)
    }

    private func show(_ tally: Replay.Tally, _ output: Output) {
        let letters = Plural.deadLetters(tally.replayed) + (to.map { " to \($0)" } ?? "")
        output.line(bulk.dryRun ? "Would replay \(letters); nothing was changed." : "Replayed \(letters).")
        let verb = bulk.dryRun ? "would be left" : tally.expired == 1 ? "was left" : "were left"
        if tally.expired > 0 {
            output.line(
                "\(tally.expired) \(tally.expired == 1 ? "has" : "have") expired and \(verb); "
                    + "--ignore-expiry sends \(tally.expired == 1 ? "it" : "them") all the same.")
        }
        if tally.spent > 0 {
            output.line(
                "\(tally.spent) cannot be replayed any more: too many attempts were made. Publish new events instead.")
        }
        if tally.unfit > 0, let to {
            output.line(
                "\(tally.unfit) \(bulk.dryRun ? "would be" : tally.unfit == 1 ? "was" : "were") left: "
                    + "\(to) has that event already, or is another tenant's.")
        }
    }

    private func replay(in context: CommandContext, limit: Int, isDryRun: Bool) async throws -> Replay.Tally {
        var selection = DeadLetters.Selection()
        selection.ignoresExpiry = ignoreExpiry
        selection.type = try bulk.checkedType()
        selection.target = to
        selection.tenant = try bulk.checkedTenant()
        let progress = Progress("waiting for the database")
        return try await context.withDatabase(progress: progress) { [selection] connection in
            var selection = selection
            if let to {
                try await connection.requireEndpoint(EndpointReference(to, tenant: selection.tenant))
            }
            let replay = Replay(connection: connection, progress: progress, isDryRun: isDryRun)
            switch try ReplaySelection(ids: ids, endpoint: bulk.endpoint, all: bulk.all) {
            case .some(let ids): return try await replay.letters(ids, selection)
            case .every(let endpoint):
                if let endpoint {
                    try await require(EndpointReference(endpoint, tenant: selection.tenant), connection)
                }
                let times = try await bulk.selection(connection)
                selection.endpoint = endpoint
                (selection.since, selection.until) = (times.since, times.until)
                return try await replay.all(selection, limit: limit)
            }
        }
    }

    /// What an endpoint that was removed did not get can only go to another.
    private func require(_ endpoint: EndpointReference, _ connection: PostgresConnection) async throws {
        try await connection.requireEndpoint(endpoint, includingRemoved: true)
        guard to == nil, try await connection.rows(Endpoints.find(endpoint)).isEmpty else { return }
        throw CommandError(
            .badData, "the endpoint '\(endpoint.name)' was removed: --to NAME sends its dead letters to another one")
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
