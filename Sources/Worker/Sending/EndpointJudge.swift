import Courier
package import Outbox
package import OutboxStore
package import Settings

/// Makes endpoints out of what is stored. Everything is judged again here: a row may have come from a restored dump, from
/// another writer, or from before the policy was tightened. What breaks a rule is said, and nothing takes its place.
package struct EndpointJudge: Sendable {
    let policy: EndpointPolicy
    let sealing: SecretSealing?
    let userAgent: String
    let proxy: EgressProxy?

    /// Making a connection may take a third of the timeout, and no longer than this.
    static let connectTimeout = Duration.seconds(5)

    /// - Parameters:
    ///   - sealing: opens sealed secrets; nil without a key file.
    ///   - version: of the product; part of the user agent.
    ///   - proxy: which requests go through.
    package init(policy: EndpointPolicy, sealing: SecretSealing?, version: String, proxy: EgressProxy? = nil) {
        self.policy = policy
        self.sealing = sealing
        self.proxy = proxy
        userAgent = "Postrider/\(version)"
    }

    /// What decides to which endpoints this process can send, in words, so that workers can be compared.
    package var settings: String {
        let networks = policy.addresses.allowed.map { "\($0)" }.sorted().joined(separator: ", ")
        let keys = sealing?.keyIDs.joined(separator: ", ") ?? "none"
        return "\(policy.allowHTTP ? "http allowed" : "https only"); "
            + "\(networks.isEmpty ? "public addresses only" : "also in \(networks)"); keys: \(keys)"
            + (proxy.map { "; through \($0)" } ?? "")
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
        let secrets = EndpointSecrets(of: record, sealing)
        let timeout = try timeout(record)
        let recipe = try Self.recipe(record)
        let method = try method(record)
        let url = try url(record.url)
        var fixed = HeaderLines()
        fixed.append("user-agent", userAgent)
        // As whom the receiver has agreed to be sent to.
        if record.verify == Verification.cloudevents.rawValue, let origin = record.origin {
            fixed.append("webhook-request-origin", origin)
        }
        let route = CourierRoute(
            id: record.id, revision: record.revision, url: url.absoluteString, host: url.host, port: url.port,
            timeout: timeout, connectTimeout: min(timeout, Self.connectTimeout), fixedHeaders: fixed,
            method: CourierMethod(method),
            credentials: try credentials(record, secrets))
        let headers = try headers(record)
        let proof = try secrets.proof()
        return SendingSettings(
            route: route, proof: proof, headers: headers, recipe: recipe,
            tokenRoute: try proof.client.map { client throws(SendingObstacle) in try tokenRoute(record, client) },
            shaping: Shaping(filter: record.filter, transform: record.transform))
    }

    /// How the bodies of requests to an endpoint are made.
    package static func recipe(_ record: EndpointRecord) throws(SendingObstacle) -> BodyRecipe {
        guard let format = PayloadFormat(rawValue: record.payloadFormat) else {
            throw SendingObstacle(.invalidEndpoint, "payload_format is not one that this version knows")
        }
        do throws(InvalidText) {
            let template = try record.text.map { text throws(InvalidText) in try TextTemplate(text) }
            return BodyRecipe(format, template: template, tenant: record.tenant)
        } catch {
            throw SendingObstacle(.invalidEndpoint, error.message)
        }
    }

    private func method(_ record: EndpointRecord) throws(SendingObstacle) -> RequestMethod {
        guard let method = RequestMethod(rawValue: record.method) else {
            throw SendingObstacle(.invalidEndpoint, "method is not POST, PUT or PATCH")
        }
        return method
    }

    private func credentials(
        _ record: EndpointRecord, _ secrets: EndpointSecrets
    ) throws(SendingObstacle) -> TLSCredentials? {
        guard record.clientCertificate != nil || record.clientKey != nil || record.ca != nil else { return nil }
        return TLSCredentials(
            certificate: record.clientCertificate, key: try secrets.clientKey(), authorities: record.ca)
    }

    /// Where the tokens of an endpoint come from. Its URL keeps every rule for URLs; the endpoint's own certificates are not for it.
    private func tokenRoute(
        _ record: EndpointRecord, _ client: OAuth2Client
    ) throws(SendingObstacle) -> CourierRoute {
        let url = try url(client.tokenURL)
        var fixed = HeaderLines()
        fixed.append("user-agent", userAgent)
        let timeout = min(record.timeout, TokenRequest.timeout)
        return CourierRoute(
            id: TokenRequest.routeID(ofEndpoint: record.id), revision: record.revision, url: url.absoluteString,
            host: url.host, port: url.port, timeout: timeout, connectTimeout: min(timeout, Self.connectTimeout),
            fixedHeaders: fixed)
    }

    /// Where a poll goes, and with which headers. What it is told keeps every rule for endpoints.
    ///
    /// - Parameters:
    ///   - id: no endpoint's, and of no other poll that is out.
    ///   - revision: another one than that of the poll before with this id.
    func poll(_ due: DuePoll, id: Int32, revision: Int32) throws(SendingObstacle) -> (CourierRoute, HeaderFields) {
        let url = try url(due.url)
        let headers: HeaderFields
        do {
            headers = try HeaderFields(due.headers.map { try HeaderField(name: $0.name, value: $0.value) })
        } catch {
            throw SendingObstacle(.invalidHeaders, "\(error)")
        }
        var fixed = HeaderLines()
        fixed.append("user-agent", userAgent)
        return (
            CourierRoute(
                id: id, revision: revision, url: url.absoluteString, host: url.host, port: url.port,
                timeout: PollRequest.timeout, connectTimeout: Self.connectTimeout, fixedHeaders: fixed, method: .get),
            headers
        )
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

    private func url(_ text: String) throws(SendingObstacle) -> EndpointURL {
        do {
            return try policy.endpointURL(text)
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
