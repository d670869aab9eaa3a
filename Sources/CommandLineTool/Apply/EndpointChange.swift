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
    /// So many endpoints are asked about, or changed, in one round trip: some tenths of a second. With more of them a person would see
    /// nothing move for long; with fewer, ten thousand would take minutes where the database is far away.
    static let batch = 200

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
        let withHeaders = entries.filter { known.contains($0.reference) && $0.settings.headers != nil }
        for part in withHeaders.chunks(of: Self.batch) {
            let answers = try await transaction.run(
                each: part.map { Endpoints.hasHeaders($0.reference, $0.settings.headers ?? []) }, deadline: deadline)
            for (entry, answer) in zip(part, answers) where answer.first != true {
                otherHeaders.insert(entry.reference)
            }
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
        on connection: PostgresConnection, _ progress: Progress
    ) async throws {
        let deadline = CommandContext.statementDeadline
        let statements = try Statements(self, secrets, in: context)
        try await connection.withTransaction(deadline: deadline) { transaction in
            _ = try await transaction.run(Endpoints.hold(plan.changes.compactMap(\.id)), deadline: deadline)
            guard try await self.plan(in: transaction) == plan else {
                throw CommandError(
                    .failure, "endpoints were changed by another session; nothing was done: run it again")
            }
            for batch in plan.batches(of: Self.batch) {
                progress.say("changing endpoints, \(batch.startIndex) of \(plan.changes.count)")
                let changes = Array(batch)
                do {
                    try await transaction.run(each: try changes.map(statements.statement), deadline: deadline)
                } catch let error as PostgresError {
                    throw Self.named(error, changes)
                }
            }
        }
    }

    /// What the database refuses to do to an endpoint, with the name of that endpoint.
    private static func named(_ error: PostgresError, _ changes: [EndpointPlan.Change]) -> any Error {
        guard DatabaseFailure.status(error) == .badData, let place = error.statement, changes.indices.contains(place)
        else { return error }
        return CommandError(.badData, "\(changes[place].words): \(error.message)")
    }
}

extension EndpointChange {
    /// Makes the statement of each change.
    private struct Statements {
        private let change: EndpointChange
        private let wanted: [EndpointReference: EndpointEntry]
        private let secrets: [EndpointReference: SigningSecret]
        private let sealing: SecretSealing?
        private let context: CommandContext

        init(_ change: EndpointChange, _ secrets: [EndpointReference: SigningSecret], in context: CommandContext) throws
        {
            self.change = change
            self.secrets = secrets
            self.context = context
            wanted = Dictionary(change.entries.map { ($0.reference, $0) }) { first, _ in first }
            sealing = try SigningSecret.sealing(change.configuration)
        }

        func statement(_ planned: EndpointPlan.Change) throws -> PostgresQuery<Void> {
            let seal = EndpointSeal(endpoint: planned.name, tenant: planned.tenant, sealing: sealing)
            switch planned.action {
            case .remove:
                return Endpoints.remove(planned.reference).unread
            case .change:
                return Endpoints.update(planned.reference, settings: try settings(planned, seal))
            case .add:
                guard let entry = wanted[planned.reference], let secret = secrets[planned.reference] else {
                    throw CommandError(.failure, "\(planned.words) is not in the file any more")
                }
                var settings = entry.settings
                if let key = secret.key { settings.take(try seal.stored(key)) }
                return Endpoints.register(
                    entry.name, tenant: entry.tenant, secret: try secret.stored(seal), settings: settings
                ).unread
            }
        }

        /// What changes, defaults included, and nothing else.
        private func settings(_ planned: EndpointPlan.Change, _ seal: EndpointSeal) throws -> EndpointSettings {
            let changed = planned.settings.filter { $0.field.form != .headers }
            var settings = try EndpointField.settings(
                changed.map { ($0.field, $0.to) }, policy: EndpointPolicy(change.configuration))
            if changed.count < planned.settings.count { settings.headers = wanted[planned.reference]?.settings.headers }
            // The database takes it when the endpoint has none yet.
            if settings.signature?.contains("v1a") == true {
                settings.take(try seal.stored(SigningSecret.newKey(in: context)))
            }
            return settings
        }
    }
}
