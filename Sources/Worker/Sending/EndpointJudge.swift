package import Courier
package import Outbox
package import OutboxStore
package import Settings
package import Webhooks

/// An endpoint ready to be sent to: judged, parsed, its keys at hand.
final class Endpoint: Sendable {
    let id: Int32
    let revision: Int32
    let name: String
    /// Stands for the tenant: its hash, which differs from process to process.
    let tenant: Int
    let urlID: Int32
    let format: PayloadFormat
    let policy: RetryPolicy
    let timeout: Duration
    let settings: Result<SendingSettings, SendingObstacle>

    init(
        _ record: EndpointRecord, policy: RetryPolicy, timeout: Duration,
        settings: Result<SendingSettings, SendingObstacle>
    ) {
        id = record.id
        revision = record.revision
        name = record.name
        tenant = record.tenant.hashValue
        urlID = record.urlID
        format = PayloadFormat(rawValue: record.payloadFormat) ?? .envelope
        self.policy = policy
        self.timeout = timeout
        self.settings = settings
    }
}

/// What it takes to send to a sound endpoint.
package struct SendingSettings: Sendable {
    package let route: CourierRoute
    package let signer: WebhookSigner
    /// Those that the endpoint adds.
    package let headers: HeaderFields
}

/// Makes endpoints out of what is stored. Everything is judged again here: a row may have come from a restored dump, from
/// another writer, or from before the policy was tightened.
package struct EndpointJudge: Sendable {
    let policy: EndpointPolicy
    let sealing: SecretSealing?
    let userAgent: String

    /// Making a connection may take a third of the timeout, and no longer than this.
    static let connectTimeout = Duration.seconds(5)

    /// - Parameters:
    ///   - sealing: opens sealed secrets; nil without a key file.
    ///   - version: of the product; part of the user agent.
    package init(policy: EndpointPolicy, sealing: SecretSealing?, version: String) {
        self.policy = policy
        self.sealing = sealing
        userAgent = "Postrider/\(version)"
    }

    func endpoint(_ record: EndpointRecord) -> Endpoint {
        let entries = record.retrySchedule.map { Duration.milliseconds($0) }
        let schedule = (try? RetrySchedule(entries: entries)) ?? .standard
        return Endpoint(
            record, policy: RetryPolicy(schedule: schedule, clampingMaxAttempts: Int(record.maxAttempts)),
            timeout: timeout(record), settings: Result { () throws(SendingObstacle) in try settings(record) })
    }

    /// What it takes to send to an endpoint, or why nothing may be sent to it as it is stored.
    package func settings(_ record: EndpointRecord) throws(SendingObstacle) -> SendingSettings {
        let url = try url(record)
        let timeout = timeout(record)
        var fixed = HeaderLines()
        fixed.append("user-agent", userAgent)
        let route = CourierRoute(
            id: record.id, revision: record.revision, url: url.absoluteString, host: url.host, port: url.port,
            timeout: timeout, connectTimeout: min(timeout, Self.connectTimeout), fixedHeaders: fixed)
        let headers = try headers(record)
        return SendingSettings(route: route, signer: try Self.signer(record, sealing), headers: headers)
    }

    /// Signs with the live secrets of an endpoint.
    ///
    /// - Parameter sealing: opens sealed secrets; nil without a key file.
    package static func signer(
        _ record: EndpointRecord, _ sealing: SecretSealing?
    ) throws(SendingObstacle) -> WebhookSigner {
        let context = SealingContext(endpoint: record.name, tenant: record.tenant, purpose: .signingSecret)
        do {
            return try WebhookSigner(
                secrets: record.secrets.map { text in
                    guard SecretSealing.isSealed(text) else { return try WebhookSecret(text) }
                    guard let sealing else {
                        throw SendingObstacle(
                            .secretUnavailable,
                            "the signing secret is sealed and POSTRIDER_SECRET_KEY_FILE is not set")
                    }
                    return try WebhookSecret(try sealing.open(text, for: context))
                })
        } catch let obstacle as SendingObstacle {
            throw obstacle
        } catch {
            throw SendingObstacle(.secretUnavailable, "\(error)")
        }
    }

    private func timeout(_ record: EndpointRecord) -> Duration {
        Duration.milliseconds(record.timeout).clamped(to: Limits.timeout)
    }

    private func url(_ record: EndpointRecord) throws(SendingObstacle) -> EndpointURL {
        do {
            return try policy.endpointURL(record.url)
        } catch let refusal as EndpointRefusal {
            switch refusal.code {
            case .address, .name: throw SendingObstacle(.blockedAddress, "\(refusal)")
            case .http, .port: throw SendingObstacle(.invalidURL, "\(refusal)")
            }
        } catch {
            throw SendingObstacle(.invalidURL, "\(error)")
        }
    }

    private func headers(_ record: EndpointRecord) throws(SendingObstacle) -> HeaderFields {
        do {
            return try HeaderFields(record.headers.map { try HeaderField($0) })
        } catch {
            throw SendingObstacle(.invalidHeaders, "\(error)")
        }
    }
}
