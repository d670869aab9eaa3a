import CustomerAPI
import Formats
import Outbox
import OutboxStore
import Postgres
import Settings
import Webhooks

/// Does what a request asks for: reads its body by the rules, and asks the database.
struct APIDesk: Sendable {
    /// A request whose token has the right form.
    struct Ask: Sendable {
        let route: APIRoute
        /// The SHA-256 of its token.
        let token: [UInt8]
        let query: Substring
        let match: Precondition
        let keys: [String]
        let body: [UInt8]
    }

    let pool: SessionPool
    /// Which URLs this installation accepts.
    let policy: EndpointPolicy
    /// Nil without a key file.
    let sealing: SecretSealing?
    /// Fresh bytes of a cryptographic source.
    let randomBytes: @Sendable (Int) -> [UInt8]

    private static let nameBytes = 8

    /// - Throws: a problem of the request, or what the database said.
    func answer(_ ask: Ask) async throws -> CustomerAnswer {
        switch ask.route {
        case .list:
            let query = try ListQuery(ask.query, allowing: ["limit", "cursor"])
            return try await first(
                CustomerCalls.list(ask.token, after: try query.cursorName, limit: Int32(clamping: query.limit)))
        case .register: return try await register(ask)
        case .show(let name): return try await first(CustomerCalls.show(ask.token, name))
        case .update(let name):
            let body = try WebhookBody.changed(ask.body, policy: policy)
            return try await first(
                CustomerCalls.update(
                    ask.token, name, match: ask.match.tags, url: body.url, eventTypes: body.eventTypes,
                    describes: body.describes, description: body.description))
        case .remove(let name): return try await first(CustomerCalls.remove(ask.token, name, match: ask.match.tags))
        case .rotateSecret(let name): return try await rotateSecret(of: name, ask)
        case .test(let name): return try await first(CustomerCalls.test(ask.token, name))
        case .pause(let name): return try await first(CustomerCalls.pause(ask.token, name, match: ask.match.tags))
        case .resume(let name): return try await first(CustomerCalls.resume(ask.token, name, match: ask.match.tags))
        case .deliveries(let name):
            let query = try ListQuery(ask.query, allowing: ["limit", "cursor", "status", "since"])
            return try await first(
                CustomerCalls.deliveries(
                    ask.token, of: name, status: query.status, since: query.since, before: try query.cursorEvent,
                    limit: Int32(clamping: query.limit)))
        case .delivery(let id): return try await first(CustomerCalls.delivery(ask.token, id))
        case .replay(let id): return try await first(CustomerCalls.replay(ask.token, id))
        case .publish:
            let event = try EventBody(ask.body, keys: ask.keys)
            return try await first(
                CustomerCalls.publish(
                    ask.token, type: event.eventType, payload: event.payload, orderingKey: event.orderingKey,
                    key: event.key))
        case .eventTypes:
            let query = try ListQuery(ask.query, allowing: ["limit", "cursor"])
            return try await first(
                CustomerCalls.eventTypes(ask.token, after: try query.cursorName, limit: Int32(clamping: query.limit)))
        case .openAPI: throw APIProblem(.notFound, "there is nothing at this path")
        }
    }

    private func first<Row: Sendable>(_ query: PostgresQuery<Row>) async throws -> Row {
        guard let answer = try await pool.run(query).first else {
            throw PostgresError(.unexpectedResult, "a function returned no row")
        }
        return answer
    }
}

// MARK: - Secrets

extension APIDesk {
    private func register(_ ask: Ask) async throws -> CustomerAnswer {
        let body = try WebhookBody.registered(ask.body, policy: policy)
        let name = body.name ?? "wh_" + Hexadecimal.encode(randomBytes(Self.nameBytes))
        let secret = try await sealed(for: name, ask)
        let answer = try await first(
            CustomerCalls.register(
                ask.token, name: name, url: body.url ?? "", eventTypes: body.eventTypes, description: body.description,
                secret: secret?.stored))
        return answer.revealing(secret?.text)
    }

    private func rotateSecret(of name: String, _ ask: Ask) async throws -> CustomerAnswer {
        let secret = try await sealed(for: name, ask)
        let answer = try await first(
            CustomerCalls.rotateSecret(ask.token, name, match: ask.match.tags, secret: secret?.stored, key: secret?.key)
        )
        return answer.revealing(secret?.text)
    }

    private struct SealedSecret {
        let text: String
        let stored: String
        /// For an endpoint that `v1a` signs for.
        let key: StoredSigningKey
    }

    /// With a key file secrets are made here, so that the database never sees them. Nil without one: then the database makes them.
    private func sealed(for name: String, _ ask: Ask) async throws -> SealedSecret? {
        guard let sealing else { return nil }
        let tenant = try await first(CustomerCalls.tenant(ask.token))
        let context = SealingContext(endpoint: name, tenant: tenant, purpose: .signingSecret)
        let text = try WebhookSecret(bytes: randomBytes(WebhookSecret.generatedByteCount)).revealed
        let key = try WebhookPrivateKey(seed: randomBytes(WebhookPrivateKey.seedByteCount))
        return SealedSecret(
            text: text, stored: try sealing.seal(text, for: context),
            key: StoredSigningKey(text: try sealing.seal(key.revealed, for: context), publicKey: "\(key.publicKey)"))
    }
}

extension CustomerAnswer {
    /// The same with a secret that the database does not know.
    fileprivate func revealing(_ secret: String?) -> CustomerAnswer {
        // Base64 needs no escapes.
        guard let secret, body.hasSuffix("}") else { return self }
        return CustomerAnswer(status: status, body: body.dropLast() + #", "secret": "\#(secret)"}"#, etag: etag)
    }
}
