package import Outbox
package import OutboxStore
package import Settings
import Webhooks

/// Opens what an endpoint keeps sealed. Nothing takes the place of what cannot be opened.
package struct EndpointSecrets: Sendable {
    private let record: EndpointRecord
    private let sealing: SecretSealing?

    /// - Parameter sealing: opens sealed texts; nil without a key file.
    package init(of record: EndpointRecord, _ sealing: SecretSealing?) {
        self.record = record
        self.sealing = sealing
    }

    /// What proves who sends to the endpoint.
    ///
    /// Of several secrets the newest is the one to go on with: an older one that cannot be opened is left out, and said.
    package func proof() throws(SendingObstacle) -> RequestProof {
        let schemes: SignatureSchemes
        do throws(InvalidText) {
            schemes = try SignatureSchemes(record.signature)
        } catch {
            throw SendingObstacle(.invalidEndpoint, error.message)
        }
        var leftOut: [String] = []
        let secrets = try all(record.secrets, &leftOut) { text throws(WebhookSecretError) in
            try SigningSecretText(stored: text)
        }
        let keys = try all(record.signingKeys, &leftOut) { text throws(WebhookSecretError) in
            try WebhookPrivateKey(text)
        }
        guard let newest = secrets.first else {
            throw SendingObstacle(.secretUnavailable, "there is no secret to sign with")
        }
        let signer: RequestSigner
        do throws(WebhookSigningError) {
            signer = try RequestSigner(
                schemes: schemes.schemes, secrets: secrets.map { ($0.standard, $0.shared) }, keys: keys)
        } catch {
            throw SendingObstacle(.secretUnavailable, "\(error)")
        }
        let authorization = RequestProof.Authorization(
            try authorization(), secret: newest.standard, key: keys.first)
        var made = schemes.headerNames
        if record.auth != "none" { made.insert("authorization") }
        return RequestProof(signer: signer, authorization: authorization, madeNames: made, secretsLeftOut: leftOut)
    }

    private func all<Secret>(
        _ texts: [String], _ leftOut: inout [String], _ read: (String) throws(WebhookSecretError) -> Secret
    ) throws(SendingObstacle) -> [Secret] {
        var secrets: [Secret] = []
        for (place, text) in texts.enumerated() {
            do throws(SendingObstacle) {
                let opened = try opened(text, .signingSecret)
                do throws(WebhookSecretError) {
                    secrets.append(try read(opened))
                } catch {
                    throw SendingObstacle(.secretUnavailable, "\(error)")
                }
            } catch {
                guard place > 0 else { throw error }
                leftOut.append(error.message)
            }
        }
        return secrets
    }

    private func authorization() throws(SendingObstacle) -> EndpointAuthorization {
        let (kind, credentials) = EndpointAuthorization.split(record.auth)
        let text = try credentials.map { credentials throws(SendingObstacle) in
            "\(kind):\(try opened(credentials, .authorization))"
        }
        do throws(InvalidText) {
            return try EndpointAuthorization(text ?? kind)
        } catch {
            throw SendingObstacle(.invalidEndpoint, error.message)
        }
    }

    /// The client's key, in PEM.
    package func clientKey() throws(SendingObstacle) -> String? {
        try record.clientKey.map { text throws(SendingObstacle) in try opened(text, .clientKey) }
    }

    /// The text itself, or what is sealed in it.
    private func opened(_ text: String, _ purpose: SealingPurpose) throws(SendingObstacle) -> String {
        guard SecretSealing.isSealed(text) else { return text }
        guard let sealing else {
            throw SendingObstacle(
                .keyMissing, "\(purpose.name) is sealed and POSTRIDER_SECRET_KEY_FILE is not set")
        }
        do throws(SealingError) {
            return try sealing.open(
                text, for: SealingContext(endpoint: record.name, tenant: record.tenant, purpose: purpose))
        } catch {
            throw SendingObstacle(error.code == .unknownKey ? .keyMissing : .secretUnavailable, "\(error)")
        }
    }
}

extension SealingPurpose {
    fileprivate var name: String {
        switch self {
        case .signingSecret: "the signing secret"
        case .authorization: "what auth makes the Authorization header of"
        case .clientKey: "the client's key"
        case .headers: "a header"
        case .sourceSecret: "the secret of a source"
        }
    }
}
