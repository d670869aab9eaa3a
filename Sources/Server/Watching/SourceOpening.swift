import Inbox
import Settings

/// Opens the secrets of a source, which are sealed or plain.
struct SourceOpening: Sendable {
    /// Nil without a key file.
    let sealing: SecretSealing?

    /// The newest secret must open. An older one that does not is left out: it ends with its grace anyway.
    func open(_ stored: StoredSource) throws(UnusableSource) -> Source {
        var secrets: [String] = []
        for (place, text) in stored.secrets.enumerated() {
            do throws(UnusableSource) {
                secrets.append(try open(text, of: stored))
            } catch {
                guard place > 0 else { throw error }
            }
        }
        return try Source(stored, secrets: secrets)
    }

    private func open(_ text: String, of stored: StoredSource) throws(UnusableSource) -> String {
        guard SecretSealing.isSealed(text) else { return text }
        guard let sealing else {
            throw UnusableSource("its secret is sealed and POSTRIDER_SECRET_KEY_FILE is not set")
        }
        do throws(SealingError) {
            return try sealing.open(
                text, for: SealingContext(endpoint: stored.name, tenant: stored.tenant, purpose: .sourceSecret))
        } catch {
            throw UnusableSource("\(error)")
        }
    }
}
