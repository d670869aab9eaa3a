import ArgumentParser
import OutboxStore
import Postgres

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

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        private struct Attempts: Encodable {
            let attemptLog: [AttemptReport]
        }

        let letter: DeadLetterReport
        let content: ContentReport
        let attempts: [AttemptReport]

        func encode(to encoder: any Encoder) throws {
            try letter.encode(to: encoder)
            try content.encode(to: encoder)
            try Attempts(attemptLog: attempts).encode(to: encoder)
        }
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let (found, attempts) = try await context.withDatabase { connection in
            guard let found = try await connection.rows(FindDeadLetter(id: id)).first else {
                throw CommandError(.badData, "there is no dead letter \(id)")
            }
            let attempts = try await connection.rows(
                ListAttempts(event: found.letter.event, endpoint: found.letter.endpoint))
            return (found, attempts)
        }
        let letter = found.letter
        guard !output.isJSON else {
            return try output.json(
                Report(
                    letter: DeadLetterReport(letter), content: ContentReport(found.content),
                    attempts: attempts.map(AttemptReport.init)))
        }
        output.fields(
            [
                ("Dead letter", "\(letter.id)"), ("Event", "\(letter.event) (\(letter.webhookID))"),
                ("Type", letter.eventType ?? "unknown: the event is gone"), ("Endpoint", letter.endpoint),
                ("Reason", letter.reason), ("Attempts", "\(letter.attempts)"),
                ("Last status", letter.lastHTTPStatus.map { "\($0)" }),
                ("Last error", [letter.lastErrorCode, letter.lastError].compactMap(\.self).joined(separator: ": ")),
                ("Created", letter.createdAt.description), ("Died", letter.deadAt.description),
            ] + found.content.fields)
        if !attempts.isEmpty {
            output.line("")
            output.table(.timeline(attempts))
        }
        output.remark("Replay it: postrider dead-letter replay \(letter.id)")
    }
}
