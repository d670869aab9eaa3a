import OutboxStore

/// The state of an endpoint after it was changed, as JSON and as a line.
struct EndpointStateReport: Encodable {
    let endpoint: String
    let state: String
    let stateReason: String?
    let held: Int64

    init(_ overview: EndpointOverview) {
        endpoint = overview.name
        state = overview.state
        stateReason = overview.stateReason
        held = overview.held
    }

    func show(on output: Output) throws {
        guard !output.isJSON else { return try output.json(self) }
        let reason = stateReason.map { " (\($0))" } ?? ""
        output.line("Endpoint \(endpoint) is \(state)\(reason)\(held > 0 ? "; \(Plural.deliveries(held)) kept" : "").")
    }
}
