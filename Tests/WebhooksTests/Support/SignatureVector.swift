import Foundation
import Testing
import Webhooks

/// One line of `signatures.tsv`: published or recomputed test vectors of Standard Webhooks.
struct SignatureVector: CustomTestStringConvertible, Sendable {
    let secret: String
    let id: String
    let timestamp: Int64
    let body: [UInt8]
    let signature: String

    var testDescription: String { id }

    /// The published secret of Svix has 18 bytes.
    func key() throws -> WebhookSecret {
        try WebhookSecret(secret, byteCounts: WebhookSecret.legacyByteCounts)
    }

    static func all() throws -> [SignatureVector] {
        let folder = try #require(Bundle.module.resourceURL).appendingPathComponent("Vectors")
        let text = try String(contentsOf: folder.appendingPathComponent("signatures.tsv"), encoding: .utf8)
        let vectors = try text.split(separator: "\n").filter { !$0.hasPrefix("# ") }.map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            try #require(fields.count == 5)
            return SignatureVector(
                secret: fields[0], id: fields[1], timestamp: try #require(Int64(fields[2])),
                body: Array(fields[3].utf8),
                signature: fields[4])
        }
        try #require(vectors.count == 5)
        return vectors
    }
}
