import ArgumentParser
import OutboxStore
import Postgres
import Telemetry

/// `postrider dead-letter show`: a dead letter, what it was to bring, and every attempt.
struct DeadLetterShowCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a dead letter: its content and a timeline of attempts.",
        discussion: """
            Example:
              postrider dead-letter show 4711
            """)

    @Argument(help: "Its id, as dead-letter list shows it.")
    var id: Int64

    @Flag(help: "Show the values of the endpoint's own headers in the request; they may be credentials.")
    var revealHeaders = false

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        private struct More: Encodable {
            let attemptLog: [AttemptReport]
            let request: RepeatedRequest?
        }

        let letter: DeadLetterReport
        let content: ContentReport
        let attempts: [AttemptReport]
        let request: RepeatedRequest?

        func encode(to encoder: any Encoder) throws {
            try letter.encode(to: encoder)
            try content.encode(to: encoder)
            try More(attemptLog: attempts, request: request).encode(to: encoder)
        }
    }

    /// The request, or why it cannot be shown.
    private enum Request: Sendable {
        case known(RepeatedRequest)
        case unknown(String)

        var known: RepeatedRequest? {
            guard case .known(let request) = self else { return nil }
            return request
        }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let (found, attempts, request) = try await context.withDatabase {
            connection async throws -> (FoundDeadLetter, [AttemptRecord], Request) in
            guard let found = try await connection.rows(DeadLetters.find(id)).first else {
                throw CommandError(.badData, "there is no dead letter \(id); postrider dead-letter list shows all")
            }
            let attempts = try await connection.rows(
                Events.attempts(found.letter.event, endpoint: found.letter.endpoint))
            return (found, attempts, try await self.request(found.letter, connection, context))
        }
        guard !output.isJSON else {
            return try output.json(
                Report(
                    letter: DeadLetterReport(found.letter), content: ContentReport(found.content),
                    attempts: attempts.map(AttemptReport.init), request: request.known))
        }
        show(found, attempts, on: output)
        show(request, on: output)
        output.line("")
        output.line("Once the cause is mended: postrider dead-letter replay \(id)")
        output.line("If nobody needs it any more: postrider dead-letter discard \(id)")
    }

    private func request(
        _ letter: DeadLetter, _ connection: PostgresConnection, _ context: CommandContext
    ) async throws -> Request {
        guard let event = try await connection.rows(Events.find(letter.event, createdAt: letter.createdAt)).first
        else {
            return .unknown("the event is gone, and its content with it")
        }
        let ids = try await connection.rows(Endpoints.find(letter.endpoint))
        do {
            guard let endpoint = try await connection.rows(LoadEndpoints(ids: ids)).first else {
                return .unknown("the endpoint was removed")
            }
            return .known(
                try RepeatedRequest(
                    event, to: endpoint, attempt: letter.attempts, now: context.now(),
                    sealing: try SigningSecret.sealing(context.configuration()), revealing: revealHeaders))
        } catch let error as PostgresError where error.sqlState == .insufficientPrivilege {
            return .unknown("to sign it, this login needs the role postrider_worker")
        } catch let error as CommandError {
            return .unknown(error.message)
        }
    }

    private func show(_ found: FoundDeadLetter, _ attempts: [AttemptRecord], on output: Output) {
        let letter = found.letter
        output.line(
            "Dead letter \(letter.id): \(letter.endpoint) did not get event \(letter.event) (\(letter.webhookID))")
        output.fields([
            ("Type", letter.eventType ?? "unknown: the event is gone"),
            ("Reason", "\(letter.reason), after \(Plural.of("attempt", letter.attempts))"),
            ("Last status", letter.lastHTTPStatus.map { "\($0)" }),
            ("Last error", [letter.lastErrorCode, letter.lastError].compactMap(\.self).joined(separator: ": ")),
            ("Published", letter.createdAt.description), ("Died", "\(letter.deadAt), \(Age.text(letter.age))"),
        ])
        let timeline = Timeline(since: letter.createdAt, width: output.width)
        output.line("")
        output.line("What happened")
        for attempt in attempts { output.lines(timeline.lines(attempt)) }
        output.line("")
        output.fields(found.content.fields)
    }

    private func show(_ request: Request, on output: Output) {
        output.line("")
        guard case .known(let request) = request else {
            if case .unknown(let why) = request { output.line("The request cannot be shown: \(why).") }
            return
        }
        guard let command = request.command else {
            output.line(
                "The request has \(request.bodyBytes) bytes and is not printed: see request in the output of --json.")
            return
        }
        output.line("To send it once more by hand (signed now, good for five minutes; nothing is recorded):")
        output.line("")
        output.lines(command.map { PrintableText($0).description })
        if !request.redacted.isEmpty {
            output.line("")
            output.line(
                "Left out: the values of \(request.redacted.joined(separator: ", ")); --reveal-headers shows them.")
        }
    }
}
