/// What names an endpoint: its name, and its tenant where several tenants have one of that name.
package struct EndpointReference: Sendable, Hashable {
    package let name: String
    /// Nil: the only one of this name.
    package let tenant: String?

    package init(_ name: String, tenant: String? = nil) {
        self.name = name
        self.tenant = tenant
    }
}
