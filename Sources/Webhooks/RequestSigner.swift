import Formats

/// Signs the requests of one endpoint in all of its schemes.
///
/// All live secrets sign in each scheme that can carry several signatures (`v1`, `v1a`, `svix`, `stripe`), the newest first;
/// in the others the newest signs alone.
public struct RequestSigner: Sendable {
    /// Makes `webhook-signature`; nil when no scheme is of Standard Webhooks.
    package let standard: WebhookSigner?
    /// Makes `svix-signature`.
    private let svix: WebhookSigner?
    private let others: [HMACScheme]
    private let secrets: [SharedSecret]

    /// A signer in these schemes.
    ///
    /// - Parameters:
    ///   - secrets: the newest first: as the key of Standard Webhooks, and as the text that other systems take.
    ///   - keys: for `v1a`, the newest first.
    public init(
        schemes: [SignatureScheme], secrets: [(standard: WebhookSecret, shared: SharedSecret)],
        keys: [WebhookPrivateKey] = []
    ) throws(WebhookSigningError) {
        guard !schemes.isEmpty, !secrets.isEmpty else {
            throw WebhookSigningError(.noSecret, "there is no secret to sign with")
        }
        guard !schemes.contains(.v1a) || !keys.isEmpty else {
            throw WebhookSigningError(.noSecret, "there is no Ed25519 key to sign with")
        }
        let keys = schemes.contains(.v1a) ? keys : []
        let symmetric = secrets.map(\.standard)
        let isStandard = schemes.contains(.v1) || schemes.contains(.v1a)
        standard =
            isStandard ? try WebhookSigner(secrets: schemes.contains(.v1) ? symmetric : [], keys: keys) : nil
        svix = schemes.contains(.svix) ? try WebhookSigner(secrets: symmetric, keys: keys) : nil
        others = schemes.compactMap(\.construction)
        self.secrets = others.isEmpty ? [] : secrets.map(\.shared)
    }

    /// A signer in the schemes of Standard Webhooks alone.
    package init(_ standard: WebhookSigner) {
        self.standard = standard
        svix = nil
        others = []
        secrets = []
    }

    /// The signatures as header fields, with the timestamp in those schemes that have a header of their own for it.
    ///
    /// - Parameters:
    ///   - id: the value of `webhook-id`.
    ///   - timestamp: in seconds since 1970.
    ///   - type: the type of the event.
    ///   - body: the bytes of the request body, exactly as they are sent.
    public func fields(
        id: String, timestamp: Int64, type: String, body: [UInt8]
    ) throws(WebhookSigningError) -> [(name: String, value: String)] {
        let fields = body.withUnsafeBytes { bytes in
            Result { () throws(WebhookSigningError) in
                var fields: [(name: String, value: String)] = []
                if let standard {
                    let value = try standard.signature(id: id, timestamp: timestamp, body: bytes)
                    fields.append((WebhookHeader.signature, String(decoding: value, as: UTF8.self)))
                }
                return fields + (try foreignFields(id: id, timestamp: timestamp, type: type, body: bytes))
            }
        }
        return try fields.get()
    }

    /// The same without `webhook-signature`.
    package func foreignFields(
        id: String, timestamp: Int64, type: String, body: UnsafeRawBufferPointer
    ) throws(WebhookSigningError) -> [(name: String, value: String)] {
        guard svix != nil || !others.isEmpty else { return [] }
        var fields: [(name: String, value: String)] = []
        if let svix {
            let value = try svix.signature(id: id, timestamp: timestamp, body: body)
            fields += [(SvixHeader.id, id), (SvixHeader.timestamp, String(timestamp))]
            fields.append((SvixHeader.signature, String(decoding: value, as: UTF8.self)))
        }
        for scheme in others {
            if let header = scheme.timestampHeader { fields.append((header, String(timestamp))) }
            fields.append((scheme.header, signature(in: scheme, id: id, timestamp: timestamp, type: type, body: body)))
        }
        return fields
    }

    private func signature(
        in scheme: HMACScheme, id: String, timestamp: Int64, type: String, body: UnsafeRawBufferPointer
    ) -> String {
        func text(_ template: SignedTemplate) -> String {
            String(decoding: template.around(id: id, timestamp: timestamp, type: type).before, as: UTF8.self)
        }
        let (before, after) = scheme.content.around(id: id, timestamp: timestamp, type: type)
        let signing = scheme.lead == nil ? secrets.prefix(1) : secrets[...]
        let signatures = signing.map { secret in
            let code = scheme.algorithm.code(key: secret.key, before, body, after)
            return text(scheme.prefix) + (scheme.encoding == .hex ? Hexadecimal.encode(code) : Base64.encode(code))
        }
        return (scheme.lead.map(text) ?? "") + signatures.joined(separator: ",")
    }
}
