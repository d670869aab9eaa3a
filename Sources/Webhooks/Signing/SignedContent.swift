import Crypto

/// What signer and verifier have in common: the content `{id}.{timestamp}.{body}` and the text of its signature.
enum SignedContent {
    static let dot = UInt8(ascii: ".")
    /// `v1,` and the Base64 of 32 bytes.
    static let signatureLength = 47
    /// `-9223372036854775808`
    static let maximumTimestampLength = 20

    /// Makes `{id}.{timestamp}.` out of the id.
    static func complete(_ head: inout [UInt8], timestamp: Int64) {
        head.append(dot)
        head.append(contentsOf: String(timestamp).utf8)
        head.append(dot)
    }

    /// Appends `v1,<Base64>`. The HMAC is a copy of one that has been given the key and nothing else.
    static func appendSignature(
        of head: [UInt8], _ body: UnsafeRawBufferPointer, with keyed: HMAC<SHA256>, to text: inout [UInt8]
    ) {
        var hmac = keyed
        hmac.update(data: head)
        hmac.update(data: body)
        text.append(contentsOf: "v1,".utf8)
        hmac.finalize().withUnsafeBytes { Base64.append($0, to: &text) }
    }
}
