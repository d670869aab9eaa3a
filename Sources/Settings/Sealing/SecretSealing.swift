import Crypto
import Formats

/// Seals secrets at rest with ChaCha20-Poly1305 (RFC 8439) and opens them again.
///
/// A sealed text is `sealed:v1:<key id>:<Base64 of nonce, ciphertext and tag>`. The place where it belongs is
/// authenticated with it. The newest key seals, every key of the file opens: to rotate, put a new line on top, seal
/// everything again, then take the old line out.
package struct SecretSealing: Sendable {
    private let keys: [SealingKey]

    /// Reads the content of a key file: one key a line, the newest first. Empty lines and lines that begin with `#` are
    /// skipped. Carriage returns, spaces, keys of another length and two keys with one id are refused.
    package init(keyFile content: [UInt8]) throws(SealingError) {
        var keys: [SealingKey] = []
        let lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where !line.isEmpty && line.first != UInt8(ascii: "#") {
            let key = try SealingKey(line: line, number: index + 1)
            guard !keys.contains(where: { $0.id == key.id }) else {
                throw SealingError(.repeatedID, "the key file holds two keys with the id \(key.id)")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else { throw SealingError(.noKey, "the key file holds no key") }
        self.keys = keys
    }

    /// The ids of all keys, the newest first.
    package var keyIDs: [String] { keys.map(\.id) }

    /// Whether a text has the sealed form.
    package static func isSealed(_ text: String) -> Bool {
        text.utf8.starts(with: prefix.utf8)
    }

    /// Whether the text is sealed with another key than the newest, so that it should be sealed again.
    package func needsResealing(_ text: String) -> Bool {
        guard let id = keys.first?.id else { return false }
        return !text.utf8.starts(with: "\(Self.prefix)\(id):".utf8)
    }

    /// Seals a secret for its place, with the newest key and a fresh random nonce.
    package func seal(_ secret: String, for context: SealingContext) throws(SealingError) -> String {
        guard let newest = keys.first,
            let box = try? ChaChaPoly.seal(
                Array(secret.utf8), using: newest.key, authenticating: context.associatedData)
        else {
            throw SealingError(.noKey, "the secret could not be sealed")
        }
        return "\(Self.prefix)\(newest.id):\(Base64.encode(box.combined))"
    }

    /// Opens a sealed text at its place.
    package func open(_ text: String, for context: SealingContext) throws(SealingError) -> String {
        let bytes = Array(text.utf8)
        guard bytes.starts(with: Self.prefix.utf8) else {
            throw SealingError(.notSealed, "the text is not in the form \(Self.prefix)<key id>:<Base64>")
        }
        let parts = bytes.dropFirst(Self.prefix.utf8.count)
            .split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let combined = Base64.decode(parts[1]),
            let box = try? ChaChaPoly.SealedBox(combined: combined)
        else {
            throw SealingError(.notSealed, "the text is not in the form \(Self.prefix)<key id>:<Base64>")
        }
        guard let key = keys.first(where: { $0.id.utf8.elementsEqual(parts[0]) }) else {
            throw SealingError(.unknownKey, "the secret was sealed with a key that is not in the key file")
        }
        guard let secret = try? ChaChaPoly.open(box, using: key.key, authenticating: context.associatedData) else {
            throw SealingError(
                .notAuthentic, "the sealed secret was changed, or it belongs to another endpoint, tenant or purpose")
        }
        return String(decoding: secret, as: UTF8.self)
    }

    private static let prefix = "sealed:v1:"
}

/// Where a sealed text belongs: copied to another row, it cannot be opened.
package struct SealingContext: Hashable, Sendable {
    /// The name of the endpoint, or of the source.
    package let endpoint: String
    package let tenant: String
    package let purpose: SealingPurpose

    package init(endpoint: String, tenant: String, purpose: SealingPurpose) {
        self.endpoint = endpoint
        self.tenant = tenant
        self.purpose = purpose
    }

    /// The associated data of the AEAD: each part behind its length, so that ("ab", "c") and ("a", "bc") differ.
    var associatedData: [UInt8] {
        [endpoint, tenant, purpose.rawValue].flatMap { Array("\($0.utf8.count):\($0)".utf8) }
    }
}

/// What a sealed text is for.
package enum SealingPurpose: String, CaseIterable, Sendable {
    case signingSecret = "signing_secret"
    /// What the `Authorization` header is made of.
    case authorization = "auth"
    case clientKey = "client_key"
    case headers
    /// What requests to a source are verified with.
    case sourceSecret = "source_secret"
}

/// Why a secret cannot be sealed or opened. It never repeats a key, a secret or sealed text.
package struct SealingError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, CaseIterable, Sendable {
        /// The key file holds no key.
        case noKey = "no_key"
        /// A line of the key file is not a key.
        case keyLine = "key_line"
        /// Two keys have the same id.
        case repeatedID = "repeated_id"
        /// The text is not in the sealed form.
        case notSealed = "not_sealed"
        /// The text was sealed with a key that is not in the key file.
        case unknownKey = "unknown_key"
        /// The text was changed, or it belongs to another endpoint, tenant or purpose.
        case notAuthentic = "not_authentic"
    }

    package let code: Code
    /// One line for a person.
    package let message: String

    package var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
