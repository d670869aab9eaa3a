/// What a sealed text is for.
package enum SealingPurpose: String, CaseIterable, Sendable {
    /// A signing secret.
    case signingSecret = "signing_secret"
    /// The configured header fields.
    case headers
}
