import Courier
package import Outbox
package import OutboxStore
package import Settings
package import Webhooks

/// Makes endpoints out of what is stored. Everything is judged again here: a row may have come from a restored dump, from
/// another writer, or from before the policy was tightened. What breaks a rule is said, and nothing takes its place.
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

    /// What decides to which endpoints this process can send, in words, so that workers can be compared.
    package var settings: String {
        let networks = policy.addresses.allowed.map { "\($0)" }.sorted().joined(separator: ", ")
        let keys = sealing?.keyIDs.joined(separator: ", ") ?? "none"
        return "\(policy.allowHTTP ? "http allowed" : "https only"); "
            + "\(networks.isEmpty ? "public addresses only" : "also in \(networks)"); keys: \(keys)"
    }

    func endpoint(_ record: EndpointRecord) -> Endpoint {
        do throws(SendingObstacle) {
            let policy = try retryPolicy(record)
            let timeout = try timeout(record)
            return Endpoint(
                record, policy: policy, timeout: timeout,
                settings: Result { () throws(SendingObstacle) in try settings(record) })
        } catch {
            return Endpoint(
                record, policy: .none, timeout: Limits.timeout.lowerBound, settings: .failure(error))
        }
    }

    /// What it takes to send to an endpoint, or why nothing may be sent to it as it is stored.
    package func settings(_ record: EndpointRecord) throws(SendingObstacle) -> SendingSettings {
        _ = try retryPolicy(record)
        let timeout = try timeout(record)
        let format = try Self.format(record)
        let url = try url(record)
        var fixed = HeaderLines()
        fixed.append("user-agent", userAgent)
        let route = CourierRoute(
            id: record.id, revision: record.revision, url: url.absoluteString, host: url.host, port: url.port,
            timeout: timeout, connectTimeout: min(timeout, Self.connectTimeout), fixedHeaders: fixed)
        let headers = try headers(record)
        let (signer, leftOut) = try Self.signer(record, sealing)
        return SendingSettings(route: route, signer: signer, headers: headers, format: format, secretsLeftOut: leftOut)
    }

    /// The payload format of an endpoint.
    package static func format(_ record: EndpointRecord) throws(SendingObstacle) -> PayloadFormat {
        guard let format = PayloadFormat(rawValue: record.payloadFormat) else {
            throw SendingObstacle(.invalidEndpoint, "payload_format is not one that this version knows")
        }
        return format
    }

    /// Signs with the live secrets of an endpoint.
    ///
    /// - Parameter sealing: opens sealed secrets; nil without a key file.
    /// - Returns: the signer, and why secrets beside the newest are left out of it. Receivers that know only such a one will
    ///   refuse what is signed without it; but the newest is the one to go on with.
    package static func signer(
        _ record: EndpointRecord, _ sealing: SecretSealing?
    ) throws(SendingObstacle) -> (signer: WebhookSigner, leftOut: [String]) {
        var secrets: [WebhookSecret] = []
        var leftOut: [String] = []
        for (place, text) in record.secrets.enumerated() {
            do throws(SendingObstacle) {
                secrets.append(try secret(text, of: record, sealing))
            } catch {
                guard place > 0 else { throw error }
                leftOut.append(error.message)
            }
        }
        do throws(WebhookSigningError) {
            return (try WebhookSigner(secrets: secrets), leftOut)
        } catch {
            throw SendingObstacle(.secretUnavailable, "\(error)")
        }
    }

    private static func secret(
        _ text: String, of record: EndpointRecord, _ sealing: SecretSealing?
    ) throws(SendingObstacle) -> WebhookSecret {
        do {
            guard SecretSealing.isSealed(text) else { return try WebhookSecret(text) }
            guard let sealing else {
                throw SendingObstacle(
                    .keyMissing, "the signing secret is sealed and POSTRIDER_SECRET_KEY_FILE is not set")
            }
            let context = SealingContext(endpoint: record.name, tenant: record.tenant, purpose: .signingSecret)
            return try WebhookSecret(try sealing.open(text, for: context))
        } catch let obstacle as SendingObstacle {
            throw obstacle
        } catch let error as SealingError where error.code == .unknownKey {
            throw SendingObstacle(.keyMissing, "\(error)")
        } catch {
            throw SendingObstacle(.secretUnavailable, "\(error)")
        }
    }

    private func retryPolicy(_ record: EndpointRecord) throws(SendingObstacle) -> RetryPolicy {
        do throws(InvalidText) {
            let schedule = try RetrySchedule(entries: record.retrySchedule)
            return try RetryPolicy(
                schedule: schedule, maxAttempts: Int(record.maxAttempts),
                permanentStatus: record.permanentStatus.isEmpty ? .none : StatusList(entries: record.permanentStatus))
        } catch {
            throw SendingObstacle(.invalidEndpoint, "\(error)")
        }
    }

    private func timeout(_ record: EndpointRecord) throws(SendingObstacle) -> Duration {
        guard Limits.timeout.contains(record.timeout) else {
            throw SendingObstacle(.invalidEndpoint, "the timeout is not between 100 ms and 5 minutes")
        }
        return record.timeout
    }

    private func url(_ record: EndpointRecord) throws(SendingObstacle) -> EndpointURL {
        do {
            return try policy.endpointURL(record.url)
        } catch let refusal as EndpointRefusal {
            switch refusal.code {
            case .address, .name:
                throw SendingObstacle(.blockedAddress, "\(refusal)", isOfThisProcess: refusal.isOfThisProcess)
            case .http, .port:
                throw SendingObstacle(.invalidURL, "\(refusal)", isOfThisProcess: refusal.isOfThisProcess)
            }
        } catch {
            throw SendingObstacle(.invalidURL, "\(error)")
        }
    }

    private func headers(_ record: EndpointRecord) throws(SendingObstacle) -> HeaderFields {
        do {
            return try HeaderFields(record.headers.map { try HeaderField($0) })
        } catch {
            throw SendingObstacle(.invalidHeaders, "headers of the endpoint: \(error)")
        }
    }
}
