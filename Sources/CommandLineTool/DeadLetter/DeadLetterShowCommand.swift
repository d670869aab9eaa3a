import ArgumentParser
import Outbox
import OutboxStore
import Postgres
import Telemetry

struct DeadLetterShowCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a dead letter: its content and a timeline of attempts.",
        discussion: """
            Example:
              postrider dead-letter show 4711
            """)

    @Argument(help: "The id, as dead-letter list shows it.")
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

    /// Why the request cannot be shown.
    private struct Unshown: Error {
        let reason: String
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let (found, attempts, request, isRemoved) = try await context.withDatabase {
            connection async throws -> (FoundDeadLetter, [AttemptRecord], Result<RepeatedRequest, Unshown>, Bool) in
            guard let found = try await connection.rows(DeadLetters.find(id)).first else {
                throw CommandError(.badData, "there is no dead letter \(id); postrider dead-letter list shows all")
            }
            let attempts = try await connection.rows(
                Events.attempts(
                    found.letter.event, createdAt: found.letter.createdAt, endpoint: found.letter.endpoint))
            let isRemoved = try await connection.rows(DeadLetters.isOfRemovedEndpoint(id)).first ?? true
            return (found, attempts, try await self.request(found.letter, connection, context), isRemoved)
        }
        guard !output.isJSON else {
            return try output.json(
                Report(
                    letter: DeadLetterReport(found.letter), content: ContentReport(found.content),
                    attempts: attempts.map(AttemptReport.init), request: try? request.get()))
        }
        show(found, attempts, on: output)
        output.line("")
        show(request, on: output)
        output.line("")
        output.line("To send it again: \(DeadLetterAdvice.replay(id, isRemoved: isRemoved))")
        output.line("If it is not needed any more: postrider dead-letter discard \(id)")
    }

    private func request(
        _ letter: DeadLetter, _ connection: PostgresConnection, _ context: CommandContext
    ) async throws -> Result<RepeatedRequest, Unshown> {
        guard let event = try await connection.rows(Events.find(letter.event, createdAt: letter.createdAt)).first
        else {
            return .failure(Unshown(reason: "the event is gone, and its content too"))
        }
        do {
            guard
                let endpoint = try await EndpointRecord.read(
                    EndpointReference(letter.endpoint, tenant: letter.tenant), from: connection)
            else {
                return .failure(Unshown(reason: "the endpoint was removed"))
            }
            var made: MadeBody?
            if endpoint.transform != nil {
                made = try await connection.rows(
                    MadeBody.of(letter.event, at: letter.createdAt, endpoint: endpoint.id)
                ).first
                guard made != nil else {
                    return .failure(Unshown(reason: "the transform of the endpoint has made no body for it"))
                }
            }
            return .success(
                try RepeatedRequest(
                    event, to: endpoint, made: made, attempt: letter.attempts, now: context.now(),
                    sealing: try SigningSecret.sealing(context.configuration()), revealing: revealHeaders))
        } catch let error as PostgresError where error.sqlState == .insufficientPrivilege {
            return .failure(Unshown(reason: "this login needs the role postrider_worker to sign it"))
        } catch let obstacle as SendingObstacle {
            return .failure(Unshown(reason: obstacle.message))
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

    private func show(_ request: Result<RepeatedRequest, Unshown>, on output: Output) {
        switch request {
        case .failure(let why): output.line("The request cannot be shown: \(why.reason).")
        case .success(let request):
            guard let command = request.command else {
                return output.line(
                    "The request has \(request.bodyBytes) bytes and is not printed; --json shows it, under request.")
            }
            output.line("To send it by hand (signed now, valid for five minutes; the attempt is not recorded):")
            output.line("")
            output.lines(command.map { PrintableText($0).description })
            guard !request.redacted.isEmpty else { return }
            output.line("")
            output.line(
                "Not shown: the values of \(request.redacted.joined(separator: ", ")). --reveal-headers shows them.")
        }
    }
}
