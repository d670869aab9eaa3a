import Courier
import Outbox
import OutboxStore
import Settings
import Telemetry
import Webhooks

/// Makes endpoints out of what is stored. Everything is judged again here: a row may have come from a restored dump, from
/// another writer, or from before the policy was tightened.
struct EndpointJudge: Sendable {
    let policy: EndpointPolicy
    /// Opens sealed secrets; nil without a key file.
    let sealing: SecretSealing?
    let userAgent: String

    /// Making a connection may take a third of the timeout, and no longer than this.
    static let connectTimeout = Duration.seconds(5)

    func endpoint(_ record: EndpointRecord) -> Endpoint {
        let timeout = min(max(.milliseconds(record.timeout), .milliseconds(100)), Limits.timeout.upperBound)
        let settings: Result<Endpoint.Settings, Endpoint.Problem>
        do {
            settings = .success(try self.settings(record, timeout: timeout))
        } catch let problem as Endpoint.Problem {
            settings = .failure(problem)
        } catch let refusal as EndpointRefusal where refusal.code == .address || refusal.code == .name {
            settings = .failure(.init(code: .blockedAddress, message: "\(refusal)"))
        } catch {
            settings = .failure(.init(code: .invalidURL, message: "\(error)"))
        }
        let entries = record.retrySchedule.map { Duration.milliseconds($0) }
        let schedule = (try? RetrySchedule(entries: entries)) ?? .standard
        let retries = RetryPolicy(schedule: schedule, clampingMaxAttempts: Int(record.maxAttempts))
        return Endpoint(
            id: record.id, revision: record.revision, name: record.name, urlID: record.urlID,
            format: PayloadFormat(rawValue: record.payloadFormat) ?? .envelope, policy: retries, timeout: timeout,
            settings: settings)
    }

    private func settings(_ record: EndpointRecord, timeout: Duration) throws -> Endpoint.Settings {
        let url = try policy.endpointURL(record.url)
        var fixed = HeaderLines()
        fixed.append("user-agent", userAgent)
        let host: CourierRoute.Host =
            switch url.host {
            case .name(let name): .name(name)
            case .address(let address): .address(address)
            }
        let route = CourierRoute(
            id: record.id, revision: record.revision, url: url.absoluteString, host: host, port: url.port,
            timeout: timeout, connectTimeout: min(timeout, Self.connectTimeout), fixedHeaders: fixed)
        let headers = try HeaderFields(record.headers.map { try HeaderField($0) })
        return Endpoint.Settings(route: route, signer: try signer(record), headers: headers)
    }

    private func signer(_ record: EndpointRecord) throws(Endpoint.Problem) -> WebhookSigner {
        do {
            let context = SealingContext(endpoint: record.name, tenant: record.tenant, purpose: .signingSecret)
            let secrets = try record.secrets.map { text in
                guard SecretSealing.isSealed(text) else { return try WebhookSecret(text) }
                guard let sealing else {
                    throw Endpoint.Problem(
                        code: .secretUnavailable,
                        message: "the signing secret is sealed and POSTRIDER_SECRET_KEY_FILE is not set")
                }
                return try WebhookSecret(try sealing.open(text, for: context))
            }
            return try WebhookSigner(secrets: secrets)
        } catch let problem as Endpoint.Problem {
            throw problem
        } catch {
            throw Endpoint.Problem(code: .secretUnavailable, message: "\(error)")
        }
    }
}
