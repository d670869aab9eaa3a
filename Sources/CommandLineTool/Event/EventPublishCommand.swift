import ArgumentParser
import FoundationEssentials
import Outbox
import OutboxStore
import Postgres

struct EventPublishCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publish an event.",
        discussion: """
            This command is for people and scripts. A program inserts into postrider.outbox itself, in the transaction \
            that makes the event true.

            The payload is JSON and is sent as it is written; without one it is {}. If its type has a schema (postrider \
            event-type show), it must fit. With --content-type it can be any \
            bytes. A time is a moment such as 2024-11-20T12:00:00Z, or a length of time from now such as 10m.

            Example:
              postrider event publish order.paid '{"order_id": 42}' --ordering-key order-42
            """)

    @Argument(help: "The event type, such as order.paid.")
    var type: String

    @Argument(help: "The payload; - reads it from standard input.")
    var payload = "{}"

    @Option(
        help: ArgumentHelp("Send to this endpoint only, whether it subscribes or not.", valueName: "name"),
        completion: .endpointName)
    var endpoint: String?

    @Option(help: "The tenant of the event.")
    var tenant = ""

    @Option(help: ArgumentHelp("Events with the same key arrive in order.", valueName: "key"))
    var orderingKey: String?

    @Option(help: ArgumentHelp("A second event with the same key is not stored.", valueName: "key"))
    var idempotencyKey: String?

    @Option(
        name: .customLong("header"),
        help: ArgumentHelp(
            "A header to add to requests, 'Name: value'; repeat the option for more.", valueName: "name: value"))
    var headers: [String] = []

    @Option(help: ArgumentHelp("Do not send before this time.", valueName: "time"), transform: Moment.init)
    var deliverAfter: Moment?

    @Option(help: ArgumentHelp("Do not send after this time.", valueName: "time"), transform: Moment.init)
    var expiresAt: Moment?

    @Option(help: ArgumentHelp("W3C trace context, sent as a header.", valueName: "traceparent"))
    var traceparent: String?

    @Option(help: ArgumentHelp("The content type of the payload, when it is not JSON.", valueName: "type"))
    var contentType: String?

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let eventId: Int64
        let webhookId: String
        let reused: Bool
        /// What became so far of the event that the key belongs to; nil for a new one.
        let state: String?
        /// When it ended; nil while a delivery of it lives.
        let endedAt: String?
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let event = try event(context)
        let (published, state) = try await context.withDatabase { connection in
            var event = event
            if let endpoint {
                try await Self.requireEndpoint(EndpointReference(endpoint, tenant: event.tenant), connection)
            }
            if let payload = event.payload { try await Self.check(payload, of: event.eventType, connection) }
            let now = try await connection.readClock()
            event.deliverAfter = deliverAfter?.ahead(of: now)
            event.expiresAt = expiresAt?.ahead(of: now)
            let published = try await Self.publish(event, connection)
            // What is published stays published, also when this cannot be asked.
            guard let published, published.isReused else { return (published, EventState?.none) }
            return (published, try? await connection.rows(Events.state(published)).first)
        }
        guard let published else { throw CommandError(.failure, "the database did not say what it stored") }
        guard !output.isJSON else {
            return try output.json(
                Report(
                    eventId: published.id, webhookId: published.webhookID, reused: published.isReused,
                    state: state?.words,
                    endedAt: state?.endedAt?.description))
        }
        guard published.isReused else {
            return output.line("Published event \(published.id) (\(published.webhookID)).")
        }
        let became =
            state.map { state in
                " (" + state.words.replacing("_", with: " ") + (state.endedAt.map { ", ended at \($0)" } ?? "") + ")"
            } ?? ""
        output.line(
            "Event \(published.id) (\(published.webhookID)) already has this idempotency key\(became); nothing was stored."
        )
    }

    /// The event, checked by those rules that need no database.
    private func event(_ context: CommandContext) throws -> NewEvent {
        var event = NewEvent(eventType: try EventType(type).text)
        let content = payload == "-" ? try context.input(limit: Limits.payloadBytes) : Array(payload.utf8)
        guard content.count <= Limits.payloadBytes else {
            throw CommandError(.badData, "the payload is longer than \(Limits.payloadBytes) bytes")
        }
        if let contentType {
            event.body = content
            event.contentType = try ContentType(contentType).text
        } else {
            event.payload = content
        }
        event.tenant = try Tenant.check(tenant)
        event.orderingKey = orderingKey
        event.idempotencyKey = idempotencyKey
        event.endpoint = endpoint
        event.traceparent = traceparent
        if !headers.isEmpty {
            let fields = try HeaderFields(headers.map { try HeaderField($0) }).fields
            let values = Dictionary(fields.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
            event.headers = Array(try JSONEncoder().encode(values))
        }
        return event
    }

    /// Holds the payload against the schema of its type, where there is one.
    private static func check(_ payload: [UInt8], of type: String, _ connection: PostgresConnection) async throws {
        guard let schema = try await connection.rows(Catalogue.schema(type)).first ?? nil else { return }
        do {
            try PayloadCheck.run(payload, against: JSONSchema(parsing: schema.bytes), what: "the payload")
        } catch {
            throw CommandError(.badData, "\(error); postrider event-type show \(type) shows it")
        }
    }

    private static func publish(
        _ event: NewEvent, _ connection: PostgresConnection
    ) async throws -> PublishedEvent? {
        do {
            return try await connection.rows(Events.publish(event)).first
        } catch {
            guard error.sqlState == SQLState(rawValue: "22P02") else { throw error }
            throw CommandError(.badData, "the payload is not JSON; give --content-type if it need not be")
        }
    }

    /// Checks nothing when the login may not read endpoints: a producer may not.
    private static func requireEndpoint(_ endpoint: EndpointReference, _ connection: PostgresConnection) async throws {
        do {
            try await connection.requireEndpoint(endpoint)
        } catch let error as PostgresError where error.sqlState == .insufficientPrivilege {
            return
        }
    }
}
