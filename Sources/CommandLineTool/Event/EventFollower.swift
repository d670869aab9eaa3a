import OutboxStore
import Postgres
import Telemetry
import UnixSignals

/// Shows what happens to events, until Ctrl-C or SIGTERM, or until its reader is gone; it goes on while the database is away.
struct EventFollower: Sendable {
    let context: CommandContext
    let selection: Events.Selection
    let output: Output

    /// How long it rests after a look that found something, and after one that did not.
    private static let pauses = (busy: Duration.milliseconds(250), idle: Duration.seconds(1))
    /// The most events that one look brings.
    private static let most: Int32 = 10_000

    private struct State {
        var tail = EventTail()
        var hasHead = false
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await follow() }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { break }
            }
            try await group.next()
        }
    }

    private var mustEnd: Bool { Task.isCancelled || context.isOutputBroken() }

    private func follow() async throws {
        var state = State()
        while !mustEnd {
            do {
                try await context.connected { try await follow(on: $0, &state) }
            } catch let error as PostgresError
                where state.tail.seen != nil && DatabaseFailure.status(error) == .databaseUnavailable
            {
                output.remark("The database does not answer: \(PrintableText("\(error)", limit: 500)). Trying again.")
                try? await Task.sleep(for: Self.pauses.idle)
            }
        }
    }

    private func follow(on connection: PostgresConnection, _ state: inout State) async throws {
        if let endpoint = selection.endpoint, state.tail.seen == nil {
            try await connection.requireEndpoint(EndpointReference(endpoint, tenant: selection.tenant))
        }
        while !mustEnd {
            let changed = try await look(&state.tail, connection)
            for delivery in changed where selection.status ?? delivery.status == delivery.status {
                try show(delivery, &state.hasHead)
            }
            if state.tail.seen?.isCut == true {
                output.remark("More has happened than can be shown; some of it is left out.")
            }
            context.flushOutput()
            try? await Task.sleep(for: changed.isEmpty ? Self.pauses.idle : Self.pauses.busy)
        }
    }

    /// What has changed since the last look.
    private func look(_ tail: inout EventTail, _ connection: PostgresConnection) async throws -> [EventDelivery] {
        var changed: [EventDelivery] = []
        let query = Events.follow(
            selection, since: tail.seen?.snapshot, above: tail.low, followed: tail.followed, limit: Self.most)
        for row in try await connection.rows(query) {
            switch row {
            case .seen(let look): tail.note(look)
            case .delivery(let delivery, let place):
                if tail.takes(delivery, place) { changed.append(delivery) }
            }
        }
        return changed
    }

    private func show(_ delivery: EventDelivery, _ hasHead: inout Bool) throws {
        guard !output.isJSON else { return try output.json(EventDeliveryReport(delivery)) }
        if !hasHead { output.line(Self.line(["EVENT", "STATUS", "TRIES", "HTTP", "TYPE", "ENDPOINT", "ERROR"])) }
        hasHead = true
        output.line(
            Self.line([
                "\(delivery.event)", delivery.status, "\(delivery.attempts)",
                delivery.lastHTTPStatus.map { "\($0)" } ?? "-", delivery.eventType ?? "-", delivery.endpoint ?? "-",
                delivery.lastErrorCode ?? "",
            ]), Tone(delivery.status))
    }

    /// Columns of fixed width, since what comes later is not known.
    private static func line(_ cells: [String]) -> String {
        let widths = [8, 13, 5, 4, 20, 20]
        let padded = cells.enumerated().map { index, cell in
            guard index < widths.count else { return cell }
            return cell + String(repeating: " ", count: max(0, widths[index] - DisplayWidth.of(cell)))
        }
        return String(padded.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }
}
