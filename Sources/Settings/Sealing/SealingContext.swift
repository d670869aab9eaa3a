/// Where a sealed text belongs: copied to another row, it cannot be opened.
package struct SealingContext: Hashable, Sendable {
    /// The name of the endpoint.
    package let endpoint: String
    /// The tenant of the endpoint.
    package let tenant: String
    /// What the text is for.
    package let purpose: SealingPurpose

    /// A place.
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
