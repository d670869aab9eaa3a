import Outbox
import OutboxStore
import Settings
import Worker

/// Whether the live secrets of the endpoints can be opened with the keys that are here.
struct SecretCheck: Sendable, Equatable {
    /// The most endpoints that are named.
    static let named = 5

    private(set) var endpoints = 0
    /// Endpoints that cannot be signed for, and the first of them with the reason.
    private(set) var unusable = 0
    private(set) var whyUnusable: [String] = []
    /// Endpoints of which an older secret, still live, is left out of the signatures.
    private(set) var leftOut = 0
    /// Secrets that are sealed with another key than the newest.
    private(set) var underOldKey = 0
    /// Secrets that are not sealed although there is a key.
    private(set) var plain = 0
    private(set) var whyLeftOut: [String] = []
    /// Whether all endpoints were read: within the time, and with rights to.
    var isComplete = false

    mutating func judge(_ record: EndpointRecord, _ sealing: SecretSealing?) {
        endpoints += 1
        do throws(SendingObstacle) {
            let secrets = EndpointSecrets(of: record, sealing)
            let proof = try secrets.proof()
            _ = try secrets.clientKey()
            if let sealing {
                let texts = record.sealable.filter { sealing.needsResealing($0) }
                underOldKey += texts.count { SecretSealing.isSealed($0) }
                plain += texts.count { !SecretSealing.isSealed($0) }
            }
            guard let why = proof.secretsLeftOut.first else { return }
            self.leftOut += 1
            if whyLeftOut.count < Self.named { whyLeftOut.append("\(record.name): \(why)") }
        } catch {
            unusable += 1
            if whyUnusable.count < Self.named { whyUnusable.append("\(record.name): \(error.message)") }
        }
    }
}

extension EndpointRecord {
    /// The live texts of an endpoint that a key file seals.
    fileprivate var sealable: [String] {
        let credentials = EndpointAuthorization.split(auth).credentials
        return secrets + signingKeys + [credentials, clientKey].compactMap(\.self)
    }
}
