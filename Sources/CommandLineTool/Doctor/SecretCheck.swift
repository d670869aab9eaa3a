import Outbox
import OutboxStore
import Settings
import Webhooks
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
    private(set) var whyLeftOut: [String] = []
    /// Whether all endpoints were read: within the time, and with rights to.
    var isComplete = false

    mutating func judge(_ record: EndpointRecord, _ sealing: SecretSealing?) {
        endpoints += 1
        do throws(SendingObstacle) {
            let (_, leftOut) = try EndpointJudge.signer(record, sealing)
            guard let why = leftOut.first else { return }
            self.leftOut += 1
            if whyLeftOut.count < Self.named { whyLeftOut.append("\(record.name): \(why)") }
        } catch {
            unusable += 1
            if whyUnusable.count < Self.named { whyUnusable.append("\(record.name): \(error.message)") }
        }
    }
}
