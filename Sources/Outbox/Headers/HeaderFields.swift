/// All header fields that one endpoint, or one event, adds: at most ``Limits/headerFields``, together at most
/// ``Limits/headerBytes`` on the wire, each name once.
package struct HeaderFields: Hashable, Sendable {
    /// The fields in the order in which they were given.
    package let fields: [HeaderField]

    package static let none = HeaderFields(checked: [])

    private init(checked fields: [HeaderField]) {
        self.fields = fields
    }

    package init(_ fields: [HeaderField]) throws(HeaderFieldError) {
        guard fields.count <= Limits.headerFields else {
            throw HeaderFieldError(.tooMany, "\(fields.count) headers are more than the \(Limits.headerFields) allowed")
        }
        var names: Set<String> = []
        for field in fields where !names.insert(field.canonicalName).inserted {
            throw HeaderFieldError(.repeated, "the header \(Excerpt(field.name)) is given twice")
        }
        let bytes = fields.reduce(0) { $0 + $1.wireBytes }
        guard bytes <= Limits.headerBytes else {
            throw HeaderFieldError(
                .tooLarge, "\(bytes) bytes of headers are more than the \(Limits.headerBytes) allowed")
        }
        self.fields = fields
    }

    /// These fields and those of an event. Where both have a name, the event's field counts.
    package func overridden(by event: HeaderFields) -> [HeaderField] {
        guard !fields.isEmpty, !event.fields.isEmpty else { return fields + event.fields }
        let names = Set(event.fields.map(\.canonicalName))
        return fields.filter { !names.contains($0.canonicalName) } + event.fields
    }
}
