import OutboxStore

/// A sender of a source, as an endpoint would be that is signed for in its scheme. Decides only.
struct SampleSender {
    /// What the signing side takes for one.
    let record: EndpointRecord

    private static let timeout = Duration.seconds(15)

    /// - Parameter secret: the newest, opened; nil where there is none.
    init(source: String, scheme: String, secret: String?, url: String) throws(CommandError) {
        var record = EndpointRecord(
            id: 0, revision: 0, name: source, tenant: "", urlID: 0, url: url, payloadFormat: "raw", headers: [],
            retrySchedule: [.seconds(1)], maxAttempts: 1, timeout: Self.timeout,
            // Where credentials prove it, a signature is sent that proves nothing.
            secrets: ["text:\(source) of postrider"])
        guard scheme == "none" || secret != nil else {
            throw CommandError(
                .badData, "source \(source) has no live secret; postrider source rotate-secret makes one")
        }
        let secret = secret ?? ""
        switch scheme {
        case "none": break
        case "bearer": record.auth = "bearer:\(secret)"
        case "basic": record.auth = "basic:\(secret)"
        case "jwt":
            record.auth = "jwt"
            record.secrets = [secret.hasPrefix("whsec_") ? secret : "text:\(secret)"]
        case "standard":
            guard secret.hasPrefix("whsec_") else {
                throw CommandError(
                    .badData, "source \(source) verifies with a public key; only its sender can sign for that")
            }
            record.secrets = [secret]
        default:
            record.signature = [scheme]
            // The whole text is the key, also where it begins with whsec_, as those of Stripe do.
            record.secrets = ["text:\(secret)"]
        }
        if scheme == "github" { record.headers = ["X-GitHub-Event: ping"] }
        if scheme == "shopify" { record.headers = ["X-Shopify-Topic: postrider/ping"] }
        self.record = record
    }
}
