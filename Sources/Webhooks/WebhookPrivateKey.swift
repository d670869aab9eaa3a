import Crypto
import Formats

/// An Ed25519 signing key of Standard Webhooks 1.0.0, for the scheme `v1a`: `whsk_` and the Base64 of the seed of 32 bytes, or
/// of the seed and the public half behind it.
///
/// Neither `print`, string interpolation nor `dump` shows the key; ``revealed`` does.
public struct WebhookPrivateKey: Sendable {
    let key: Curve25519.Signing.PrivateKey

    /// How many random bytes a new key is made of.
    public static let seedByteCount = 32

    /// Reads the text form `whsk_…`.
    public init(_ text: String) throws(WebhookSecretError) {
        let bytes = Array(text.utf8)
        guard bytes.starts(with: Self.prefix.utf8) else {
            throw WebhookSecretError(.prefix, "an Ed25519 signing key begins with \(Self.prefix)")
        }
        guard let key = Base64.decode(bytes.dropFirst(Self.prefix.utf8.count)) else {
            throw WebhookSecretError(.base64, "what follows \(Self.prefix) is not Base64")
        }
        guard [Self.seedByteCount, 2 * Self.seedByteCount].contains(key.count) else {
            throw WebhookSecretError(.length, "an Ed25519 signing key has 32 bytes, or 64 with its public half")
        }
        try self.init(seed: Array(key.prefix(Self.seedByteCount)))
        guard key.count == Self.seedByteCount || key.dropFirst(Self.seedByteCount).elementsEqual(publicKey.bytes) else {
            throw WebhookSecretError(
                .publicHalf, "the second half of the Ed25519 signing key does not belong to the first")
        }
    }

    /// A key of these bytes. To make a new one, pass ``seedByteCount`` bytes of a cryptographic random source.
    public init(seed: [UInt8]) throws(WebhookSecretError) {
        guard seed.count == Self.seedByteCount, let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        else { throw WebhookSecretError(.length, "the seed of an Ed25519 signing key has 32 bytes") }
        self.key = key
    }

    /// What receivers verify with. Everybody may know it.
    public var publicKey: WebhookPublicKey { WebhookPublicKey(key.publicKey) }

    /// The text form with the key in it: the seed alone. Never log it.
    public var revealed: String { Self.prefix + Base64.encode(key.rawRepresentation) }

    func signature(of content: [UInt8]) throws(WebhookSigningError) -> [UInt8] {
        guard let signature = try? key.signature(for: content) else {
            throw WebhookSigningError(.failed, "the Ed25519 signature could not be made")
        }
        return Array(signature)
    }

    private static let prefix = "whsk_"
}

extension WebhookPrivateKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The public half, never the key.
    public var description: String { "\(Self.prefix)… (public half \(publicKey))" }

    /// The public half, never the key.
    public var debugDescription: String { description }

    /// Empty, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

/// The public half of a ``WebhookPrivateKey``: `whpk_` and the Base64 of 32 bytes.
public struct WebhookPublicKey: Hashable, Sendable, CustomStringConvertible {
    let bytes: [UInt8]

    init(_ key: Curve25519.Signing.PublicKey) {
        bytes = Array(key.rawRepresentation)
    }

    /// Reads the text form `whpk_…`.
    public init(_ text: String) throws(WebhookSecretError) {
        let text = Array(text.utf8)
        guard text.starts(with: Self.prefix.utf8) else {
            throw WebhookSecretError(.prefix, "an Ed25519 public key begins with \(Self.prefix)")
        }
        guard let bytes = Base64.decode(text.dropFirst(Self.prefix.utf8.count)) else {
            throw WebhookSecretError(.base64, "what follows \(Self.prefix) is not Base64")
        }
        guard (try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)) != nil else {
            throw WebhookSecretError(.length, "an Ed25519 public key has 32 bytes")
        }
        self.bytes = bytes
    }

    /// The text form.
    public var description: String { Self.prefix + Base64.encode(bytes) }

    func verifies(_ signature: [UInt8], of content: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else { return false }
        return key.isValidSignature(signature, for: content)
    }

    private static let prefix = "whpk_"
}
