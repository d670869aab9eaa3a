import Outbox
import OutboxStore
import Postgres
import Settings
import Webhooks
import Worker

/// Brings the endpoints to what a file wants.
struct EndpointChange: Sendable {
    let entries: [EndpointEntry]
    let prunes: Bool
    let configuration: WorkerConfiguration
    let outside: OutsideTexts

    /// As many endpoints as can be compared at once: those of the file, and those of its tenants.
    private static let storedLimit: Int32 = 100_000

    /// What there is to do, as one state of the database.
    func plan(on connection: PostgresConnection) async throws -> EndpointPlan {
        try await connection.withSnapshot { try await plan(in: $0) }
    }

    private func plan(in transaction: PostgresTransaction) async throws -> EndpointPlan {
        let deadline = CommandContext.statementDeadline
        let stored = try await transaction.run(
            Endpoints.stored(
                names: entries.map(\.name), tenants: prunes ? Array(Set(entries.map(\.tenant))) : nil,
                limit: Self.storedLimit), deadline: deadline)
        guard stored.count < Int(Self.storedLimit) else {
            throw CommandError(.failure, "\(Self.storedLimit) endpoints and more cannot be compared at once")
        }
        let known = Set(stored.map(\.reference))
        var otherHeaders: Set<EndpointReference> = []
        for entry in entries where known.contains(entry.reference) {
            guard let headers = entry.settings.headers else { continue }
            let isSame = try await transaction.run(Endpoints.hasHeaders(entry.reference, headers), deadline: deadline)
            if isSame.first != true { otherHeaders.insert(entry.reference) }
        }
        return EndpointPlan(entries, stored: stored, otherHeaders: otherHeaders, prunes: prunes)
    }

    /// The secrets of new endpoints: made, or read from where the file says.
    func secrets(for plan: EndpointPlan, in context: CommandContext) throws -> [EndpointReference: SigningSecret] {
        let new = Set(plan.changes.filter { $0.action == .add }.map(\.reference))
        var secrets: [EndpointReference: SigningSecret] = [:]
        for entry in entries where new.contains(entry.reference) {
            let schemes = try entry.settings.signature.map { try SignatureSchemes($0) } ?? .standard
            guard let place = entry.secret else {
                secrets[entry.reference] = try SigningSecret(text: nil, schemes: schemes, in: context)
                continue
            }
            do {
                secrets[entry.reference] = try SigningSecret(
                    text: try outside.read(place), schemes: schemes, in: context)
            } catch let error as WebhookSecretError {
                throw FileFault("\(error)", line: place.line, key: place.key)
            }
        }
        return secrets
    }

    /// Makes the changes in one transaction, or none of them.
    ///
    /// The endpoints are locked before the lanes, all by id, and compared once more: what was shown is what is done.
    func make(
        _ plan: EndpointPlan, _ secrets: [EndpointReference: SigningSecret], in context: CommandContext,
        on connection: PostgresConnection
    ) async throws {
        let deadline = CommandContext.statementDeadline
        let wanted = Dictionary(entries.map { ($0.reference, $0) }) { first, _ in first }
        try await connection.withTransaction(deadline: deadline) { transaction in
            _ = try await transaction.run(Endpoints.hold(plan.changes.compactMap(\.id)), deadline: deadline)
            guard try await self.plan(in: transaction) == plan else {
                throw CommandError(
                    .failure, "endpoints were changed by another session; nothing was done: run it again")
            }
            for change in plan.changes {
                switch change.action {
                case .remove:
                    _ = try await transaction.run(Endpoints.remove(change.reference), deadline: deadline)
                case .change:
                    let seal = EndpointSeal(
                        endpoint: change.name, tenant: change.tenant, sealing: try SigningSecret.sealing(configuration))
                    let settings = try settings(change, wanted[change.reference], seal, in: context)
                    _ = try await transaction.run(
                        Endpoints.update(change.reference, settings: settings), deadline: deadline)
                case .add:
                    guard let entry = wanted[change.reference], let secret = secrets[change.reference] else { continue }
                    let seal = EndpointSeal(
                        endpoint: entry.name, tenant: entry.tenant, sealing: try SigningSecret.sealing(configuration))
                    let stored = try secret.stored(seal)
                    var settings = entry.settings
                    if let key = secret.key { settings.take(try seal.stored(key)) }
                    _ = try await transaction.run(
                        Endpoints.register(entry.name, tenant: entry.tenant, secret: stored, settings: settings),
                        deadline: deadline)
                }
            }
        }
    }

    /// What changes, defaults included, and nothing else.
    private func settings(
        _ change: EndpointPlan.Change, _ entry: EndpointEntry?, _ seal: EndpointSeal, in context: CommandContext
    ) throws -> EndpointSettings {
        let changed = change.settings.filter { $0.field.form != .headers }
        var settings = try EndpointField.settings(
            changed.map { ($0.field, $0.to) }, policy: EndpointPolicy(configuration))
        if changed.count < change.settings.count { settings.headers = entry?.settings.headers }
        // The database takes it when the endpoint has none yet.
        if settings.signature?.contains("v1a") == true {
            settings.take(try seal.stored(SigningSecret.newKey(in: context)))
        }
        return settings
    }
}
