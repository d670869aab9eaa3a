import ArgumentParser
import OutboxStore
import Postgres

struct EndpointPauseCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Pause an endpoint: its deliveries are kept until it is resumed.",
        discussion: """
            New events are kept for it as well. Deliveries that are in flight at this moment still arrive.

            Example:
              postrider endpoint pause billing
            """)

    @OptionGroup var endpoint: EndpointArgument

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        try await EndpointState.change(endpoint.reference(), options, in: context) {
            try await $0.rows(Endpoints.pause($1))
        }
    }
}

struct EndpointResumeCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Resume an endpoint: send to it again.",
        discussion: """
            This also resumes an endpoint that was disabled, by an answer or because it failed for too long, and lets a \
            failing one go at once.

            Example:
              postrider endpoint resume billing
            """)

    @OptionGroup var endpoint: EndpointArgument

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        try await EndpointState.change(endpoint.reference(), options, in: context) {
            try await $0.rows(Endpoints.resume($1))
        }
    }
}

/// The state of an endpoint after a command changed it, as JSON and as a line.
private struct EndpointState: Encodable {
    let endpoint: String
    let state: String
    let stateReason: String?
    let held: Int64
    let inFlight: Int64
    let countsCapped: Bool

    static func change<Row>(
        _ reference: EndpointReference, _ options: OutputOptions, in context: CommandContext,
        by statement: (PostgresConnection, EndpointReference) async throws -> [Row]
    ) async throws {
        let output = Output(options, in: context)
        let details = try await context.withDatabase { connection in
            _ = try await statement(connection, reference)
            return await EndpointDetails.readBack(reference, from: connection, output)
        }
        guard let overview = details?.overview else {
            guard !output.isJSON else { return try output.json(ChangedEndpoint(endpoint: reference.name)) }
            return output.line("Changed endpoint \(reference.name).")
        }
        let changed = Self(
            endpoint: overview.name, state: overview.state, stateReason: overview.stateReason, held: overview.held,
            inFlight: overview.inFlight, countsCapped: overview.isCapped)
        guard !output.isJSON else { return try output.json(changed) }
        let reason = changed.stateReason.map { " (\($0))" } ?? ""
        output.line("Endpoint \(changed.endpoint) is \(changed.state)\(reason)\(changed.kept).")
    }

    /// What is kept while it is closed, and what still arrives.
    private var kept: String {
        guard state != "active", state != "failing" else { return "" }
        let held = "; \(CappedCount.deliveries(held, isCapped: countsCapped)) held"
        return held
            + (inFlight > 0
                ? ", \(CappedCount.text(inFlight, isCapped: countsCapped)) in flight still \(inFlight == 1 ? "arrives" : "arrive")"
                : "")
    }
}

struct EndpointRemoveCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove an endpoint: its unfinished deliveries are cancelled, its history stays.",
        discussion: """
            Asks first when it runs on a terminal. Anywhere else it needs --yes.

            Example:
              postrider endpoint remove billing --yes
            """)

    @OptionGroup var endpoint: EndpointArgument

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let endpoint: String
        let removed: Bool
        let cancelled: Int32
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        guard confirmation.yes || context.inputIsTerminal else {
            throw CommandError(
                .usage, "removing an endpoint cannot be undone: without a terminal to ask on, give --yes")
        }
        let name = endpoint.name
        let reference = try endpoint.reference()
        _ = try await context.withDatabase { try await $0.requireOneEndpoint(reference) }
        try Confirmation(confirmation, output, in: context).ask(
            "Remove endpoint \(name), and cancel its unfinished deliveries?")
        let cancelled = try await context.run(Endpoints.remove(reference)).first ?? 0
        guard !output.isJSON else {
            return try output.json(Report(endpoint: name, removed: true, cancelled: cancelled))
        }
        output.line("Removed endpoint \(name); cancelled \(Plural.deliveries(cancelled)).")
    }
}
