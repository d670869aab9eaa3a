import Outbox
import OutboxStore
import Settings
import Worker

/// Whether the live secrets of endpoints and sources can be opened with the keys that are here.
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
    private(set) var sources = 0
    /// Sources whose requests cannot be verified, and the first of them with the reason.
    private(set) var unusableSources = 0
    private(set) var whyUnusableSources: [String] = []
    /// Whether all of them were read: within the time, and with rights to.
    var isComplete = false

    mutating func judge(_ source: SourceSealedTexts, _ sealing: SecretSealing?) {
        sources += 1
        if let sealing {
            let texts = source.secrets.filter { sealing.needsResealing($0) }
            underOldKey += texts.count { SecretSealing.isSealed($0) }
            plain += texts.count { !SecretSealing.isSealed($0) }
        }
        // A server does without an older one, which ends with its grace.
        guard let newest = source.secrets.first, SecretSealing.isSealed(newest) else { return }
        guard let sealing else {
            return count(source, because: "its secret is sealed and POSTRIDER_SECRET_KEY_FILE is not set")
        }
        let place = SealingContext(endpoint: source.name, tenant: source.tenant, purpose: .sourceSecret)
        do throws(SealingError) {
            _ = try sealing.open(newest, for: place)
        } catch {
            count(source, because: error.message)
        }
    }

    private mutating func count(_ source: SourceSealedTexts, because why: String) {
        unusableSources += 1
        if whyUnusableSources.count < Self.named { whyUnusableSources.append("\(source.name): \(why)") }
    }

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
