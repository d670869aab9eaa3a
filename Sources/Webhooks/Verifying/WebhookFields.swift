/// The three headers of Standard Webhooks, picked out of a request's headers.
struct WebhookFields {
    let id: String
    let timestamp: String
    let signature: String

    init(_ headers: some Sequence<(name: String, value: String)>) throws(WebhookVerificationError) {
        var found: [String: String] = [:]
        for (name, value) in headers {
            let name = name.lowercased()
            guard [WebhookHeader.id, WebhookHeader.timestamp, WebhookHeader.signature].contains(name) else { continue }
            guard found.updateValue(value, forKey: name) == nil else {
                throw WebhookVerificationError(.repeatedHeader, "the header \(name) occurs more than once")
            }
        }
        func required(_ name: String) throws(WebhookVerificationError) -> String {
            guard let value = found[name] else {
                throw WebhookVerificationError(.missingHeader, "the header \(name) is missing")
            }
            return value
        }
        id = try required(WebhookHeader.id)
        timestamp = try required(WebhookHeader.timestamp)
        signature = try required(WebhookHeader.signature)
    }
}
