import Crypto
import Formats

/// A symmetric signing secret of Standard Webhooks 1.0.0: `whsec_` and the Base64 of 24 to 64 random bytes.
///
/// The decoded bytes are the HMAC key. Neither `print`, string interpolation nor `dump` shows the secret; ``revealed``
/// does, for the one moment at which it is handed out. Comparing two secrets takes the same time wherever they differ.
public struct WebhookSecret: Hashable, Sendable {
    /// How many bytes a secret has according to the specification.
    public static let byteCounts = 24...64
    /// How many bytes are accepted of a sender that does not keep to the specification: Svix has published secrets of 18.
    public static let legacyByteCounts = 16...64
    /// How many random bytes a new secret should have.
    public static let generatedByteCount = 32

    let key: SymmetricKey

    /// Reads the text form `whsec_…`. Base64 without padding is accepted.
    ///
    /// - Parameter byteCounts: ``legacyByteCounts`` to verify a sender whose secrets are too short.
    public init(
        _ text: String, byteCounts: ClosedRange<Int> = WebhookSecret.byteCounts
    ) throws(WebhookSecretError) {
        let bytes = Array(text.utf8)
        guard bytes.starts(with: Self.prefix.utf8) else {
            throw WebhookSecretError(.prefix, "a signing secret begins with \(Self.prefix)")
        }
        guard let key = Base64.decode(bytes.dropFirst(Self.prefix.utf8.count)) else {
            throw WebhookSecretError(.base64, "what follows \(Self.prefix) is not Base64")
        }
        try self.init(bytes: key, byteCounts: byteCounts)
    }

    /// A secret of these bytes. To make a new one, pass ``generatedByteCount`` bytes of a cryptographic random source.
    public init(
        bytes: [UInt8], byteCounts: ClosedRange<Int> = WebhookSecret.byteCounts
    ) throws(WebhookSecretError) {
        guard byteCounts.contains(bytes.count) else {
            throw WebhookSecretError(
                .length,
                "a signing secret has \(byteCounts.lowerBound) to \(byteCounts.upperBound) bytes, not \(bytes.count)")
        }
        key = SymmetricKey(data: bytes)
    }

    /// The text form with the secret in it. Never log it.
    public var revealed: String {
        Self.prefix + key.withUnsafeBytes { Base64.encode($0) }
    }

    /// Eight hexadecimal digits by which operators tell secrets apart; they do not help to guess the secret.
    public var fingerprint: String {
        var digest = SHA256()
        key.withUnsafeBytes { digest.update(bufferPointer: $0) }
        return Hexadecimal.encode(digest.finalize().prefix(4))
    }

    /// Whether two secrets are the same, in constant time.
    public static func == (left: WebhookSecret, right: WebhookSecret) -> Bool {
        left.key == right.key
    }

    /// Feeds the fingerprint, not the secret.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(fingerprint)
    }

    private static let prefix = "whsec_"
}

extension WebhookSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The fingerprint, never the secret.
    public var description: String { "\(Self.prefix)… (fingerprint \(fingerprint))" }

    /// The fingerprint, never the secret.
    public var debugDescription: String { description }

    /// Empty, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

/// Why a text is not a signing secret. It never repeats any part of the text.
public struct WebhookSecretError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules that can be broken.
    public enum Code: String, CaseIterable, Sendable {
        /// The text does not begin with `whsec_`.
        case prefix
        /// What follows the prefix is not Base64.
        case base64
        /// Too few bytes to be safe, or more than have a use.
        case length
        /// The public half of an Ed25519 key does not belong to the other one.
        case publicHalf = "public_half"
    }

    /// The rule that was broken.
    public let code: Code
    /// One line for a person.
    public let message: String

    /// The message.
    public var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
