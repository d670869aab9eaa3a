import Outbox
package import Webhooks

/// A symmetric signing secret as it is stored, once it is open: `whsec_…`, or `text:` and a text that only the schemes of other
/// systems were meant to know.
package struct SigningSecretText: Sendable {
    /// The key of `v1`, `svix` and tokens: the bytes behind `whsec_`, or those of the text.
    package let standard: WebhookSecret
    /// The key of the other schemes: the text.
    package let shared: SharedSecret
    /// What is stored.
    package let stored: String

    /// Fewer bytes can be guessed; more have no use.
    package static let textBytes = 6...256

    private static let prefix = "text:"

    /// What an operator gives.
    package var given: String {
        stored.utf8.starts(with: Self.prefix.utf8) ? String(stored.dropFirst(Self.prefix.count)) : stored
    }

    /// Reads what is stored.
    package init(stored: String) throws(WebhookSecretError) {
        self.stored = stored
        guard stored.utf8.starts(with: Self.prefix.utf8) else {
            standard = try WebhookSecret(stored)
            shared = SharedSecret(stored)
            return
        }
        let text = String(stored.dropFirst(Self.prefix.count))
        standard = try WebhookSecret(bytes: Array(text.utf8), byteCounts: Self.textBytes)
        shared = SharedSecret(text)
    }

    /// Reads what an operator gives.
    ///
    /// - Parameter takesText: whether another text than `whsec_…` may be one.
    package init(given: String, takesText: Bool) throws {
        guard takesText, (try? WebhookSecret(given)) == nil else {
            try self.init(stored: given)
            return
        }
        guard Self.textBytes.contains(given.utf8.count), given.utf8.allSatisfy({ (0x20...0x7e).contains($0) }),
            !["sealed:", Self.prefix].contains(where: given.hasPrefix)
        else {
            throw InvalidText(
                .signature, "the secret must be whsec_… or 6 to 256 visible ASCII characters and spaces")
        }
        try self.init(stored: Self.prefix + given)
    }

    /// A new secret.
    package init(_ secret: WebhookSecret) {
        standard = secret
        shared = SharedSecret(secret)
        stored = secret.revealed
    }
}

extension SigningSecretText: CustomStringConvertible, CustomReflectable {
    package var description: String { "\(standard)" }

    /// Empty, so that `dump` shows nothing.
    package var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
