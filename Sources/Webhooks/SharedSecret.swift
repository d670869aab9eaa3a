import Crypto

/// A secret as the systems use it that Postrider can replace: its text is the key, however it looks. A `whsec_…` is no
/// exception there.
public struct SharedSecret: Sendable {
    let key: SymmetricKey

    /// A secret of this text, in UTF-8.
    public init(_ text: String) {
        key = SymmetricKey(data: Array(text.utf8))
    }

    /// The text form of a secret of Standard Webhooks.
    public init(_ secret: WebhookSecret) {
        self.init(secret.revealed)
    }
}

extension SharedSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Never the secret.
    public var description: String { "a shared secret" }

    /// Never the secret.
    public var debugDescription: String { description }

    /// Empty, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
