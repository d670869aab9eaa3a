import ArgumentParser
import Outbox
import OutboxStore
import Postgres

struct DeadLetterListCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List dead letters, the newest first.",
        discussion: """
            --since and --until are about when they died. A time is a moment such as 2024-11-20T12:00:00Z, or a length of time \
            before now such as 2h.

            Example:
              postrider dead-letter list --endpoint billing --error-code timeout --since 1d
            """)

    @Option(help: ArgumentHelp("The most rows to list.", valueName: "n"))
    var limit = 100

    @Option(help: ArgumentHelp("Only those with this reason, such as attempts_exhausted.", valueName: "reason"))
    var reason: String?

    @Option(help: ArgumentHelp("Only those before this one: the next page.", valueName: "id"))
    var before: Int64?

    @OptionGroup var find: FindOptions

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let deadLetters: [DeadLetterReport]
        /// What `--before` takes for the next page.
        let next: Int64?
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let limit = try Bounded.limit(limit)
        let fixed = try search()
        let progress = Progress("waiting for the database")
        let (letters, hasMore) = try await context.withDatabase(progress: progress) { connection in
            var search = fixed
            if let endpoint = find.endpoint {
                try await connection.requireEndpoint(
                    EndpointReference(endpoint, tenant: search.tenant), includingRemoved: true)
            }
            search.events = try await find.eventIDs(connection)
            if find.since != nil || find.until != nil {
                let now = try await connection.readClock()
                search.since = find.since?.ago(from: now)
                search.until = find.until?.ago(from: now)
            }
            return try await Self.page(search, before: before ?? .max, limit: limit, connection, progress)
        }
        let next = hasMore ? letters.last?.id : nil
        try output.list(
            letters, limit: nil, json: Report(deadLetters: letters.map(DeadLetterReport.init), next: next),
            table: .deadLetters(letters),
            ifEmpty: "There are no \(fixed == DeadLetters.Search() ? "" : "such ")dead letters.")
        output.more(before: next)
    }

    private func search() throws -> DeadLetters.Search {
        var search = DeadLetters.Search()
        search.tenant = try find.tenant.map { try Tenant.check($0) }
        search.type = try find.type.map { "\(try EventTypePattern($0))" }
        search.endpoint = find.endpoint
        search.reason = reason
        search.errorCode = try find.checkedErrorCode()
        search.httpStatus = try find.checkedHTTPStatus()
        search.orderingKey = find.orderingKey
        search.payload = try find.payloadValue()
        return search
    }

    private static func page(
        _ search: DeadLetters.Search, before first: Int64, limit: Int32, _ connection: PostgresConnection,
        _ progress: Progress
    ) async throws -> (letters: [DeadLetter], hasMore: Bool) {
        var (place, pace, seen, ids) = (first, SearchPace(limit: limit + 1), 0, [Int64]())
        while ids.count <= Int(limit) {
            let began = ContinuousClock.now
            let count = pace.count
            var step: (seen: Int32, place: Int64?) = (0, nil)
            for row in try await connection.rows(
                DeadLetters.find(search, before: place, count: count, limit: limit + 1))
            {
                switch row {
                case .reached(let seen, let place): step = (seen, place)
                case .letter(let id): ids.append(id)
                }
            }
            guard let reached = step.place, step.seen == count else { break }
            place = reached
            seen += Int(step.seen)
            pace.took(.now - began)
            progress.say("looked at \(Plural.deadLetters(seen)), found \(ids.count)")
        }
        let shown = Array(ids.prefix(Int(limit)))
        return (try await connection.rows(DeadLetters.list(shown)), ids.count > shown.count)
    }
}

/// A dead letter as JSON.
struct DeadLetterReport: Encodable {
    let id: Int64
    let eventId: Int64
    let webhookId: String
    let eventType: String?
    let tenant: String?
    let endpoint: String
    let attempts: Int32
    let reason: String
    let lastHttpStatus: Int32?
    let lastErrorCode: String?
    let lastError: String?
    let createdAt: String
    let deadAt: String

    init(_ letter: DeadLetter) {
        id = letter.id
        eventId = letter.event
        webhookId = letter.webhookID
        eventType = letter.eventType
        tenant = letter.tenant
        endpoint = letter.endpoint
        attempts = letter.attempts
        reason = letter.reason
        lastHttpStatus = letter.lastHTTPStatus
        lastErrorCode = letter.lastErrorCode
        lastError = letter.lastError
        createdAt = letter.createdAt.description
        deadAt = letter.deadAt.description
    }
}

extension Table {
    static func deadLetters(_ letters: [DeadLetter]) -> Table {
        var table = Table([
            .identifier("ID"), .name("ENDPOINT"), .identifier("EVENT"), .text("TYPE"), .number("TRIES"),
            .text("REASON"),
            .text("LAST ERROR"), .identifier("DIED"),
        ])
        for letter in letters {
            table.add(
                "\(letter.id)", letter.endpoint, "\(letter.event)", letter.eventType ?? "-", "\(letter.attempts)",
                letter.reason, letter.lastError ?? letter.lastErrorCode ?? "-", Age.text(letter.age))
        }
        return table
    }
}
