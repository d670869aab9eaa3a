import ArgumentParser
import Outbox
import OutboxStore
import Postgres

/// What events and dead letters are found by.
struct FindOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only those of this tenant.", valueName: "tenant"))
    var tenant: String?

    @Option(help: ArgumentHelp("Only events of this type: order.paid, order.* or *.", valueName: "pattern"))
    var type: String?

    @Option(
        help: ArgumentHelp("Only deliveries to this endpoint.", valueName: "name"), completion: .endpointName)
    var endpoint: String?

    @Option(help: ArgumentHelp("Only those of this time or later.", valueName: "time"), transform: Moment.init)
    var since: Moment?

    @Option(help: ArgumentHelp("Only those before this time.", valueName: "time"), transform: Moment.init)
    var until: Moment?

    @Option(
        help: ArgumentHelp("Only those whose last attempt failed with this code, such as timeout.", valueName: "code"),
        completion: .list(ErrorCode.allCases.map(\.rawValue)))
    var errorCode: String?

    @Option(help: ArgumentHelp("Only those whose last answer had this status.", valueName: "status"))
    var httpStatus: Int32?

    @Option(help: ArgumentHelp("Only events with this ordering key.", valueName: "key"))
    var orderingKey: String?

    @Option(help: ArgumentHelp("Only the event with this idempotency key.", valueName: "key"))
    var idempotencyKey: String?

    @Option(
        name: .customLong("webhook-id"),
        help: ArgumentHelp("Only the event that receivers know by this id, evt_….", valueName: "id"))
    var webhookID: String?

    @Option(
        help: ArgumentHelp(
            "Only events whose payload has this value there, such as customer.id=42.", valueName: "path=value"))
    var payload: String?

    /// The parts of `--payload`: keys joined by dots, an equals sign, and the value as the payload writes it.
    func payloadValue() throws(CommandError) -> PayloadValue? {
        guard let payload else { return nil }
        let parts = payload.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty, !payload.utf8.contains(0) else {
            throw CommandError(
                .badData, "--payload must be a path, an equals sign and a value, such as customer.id=42")
        }
        return PayloadValue(
            path: parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init), value: parts[1])
    }

    func checkedErrorCode() throws(CommandError) -> String? {
        try Bounded.word(errorCode, of: "--error-code", among: ErrorCode.allCases.map(\.rawValue))
    }

    func checkedHTTPStatus() throws(CommandError) -> Int32? {
        guard let httpStatus else { return nil }
        return try Bounded.check(httpStatus, of: "--http-status", in: 100...999)
    }

    /// The numbers of the events that a webhook id or an idempotency key can mean; nil when neither is given.
    func eventIDs(_ connection: PostgresConnection) async throws -> [Int64]? {
        var ids: [Int64]?
        if let webhookID {
            let reference = try EventReference(webhookID)
            let places = try await connection.rows(Events.locate(reference.id))
            let isKnown = places.contains { reference.webhookID ?? $0.webhookID == $0.webhookID }
            ids = isKnown ? [reference.id] : []
        }
        if let idempotencyKey {
            let keyed = try await connection.rows(Events.keyed(idempotencyKey, tenant: tenant)).first ?? []
            ids = ids.map { $0.filter(keyed.contains) } ?? keyed
        }
        return ids
    }
}
