/// What the health server answers to a request: the routes of the public contract, without any input or output.
struct HealthRoutes: Sendable {
    let state: HealthState
    /// Writes the metrics in the Prometheus text format.
    let metrics: @Sendable () -> String

    /// Answers `request`. Only GET is answered: HEAD too gets a 405, since probes and scrapers use GET and the contract
    /// promises 405 for every other method.
    func answer(_ request: HealthRequest) -> HealthResponse {
        guard let route = routes[request.path] else { return .status(.notFound, "not_found") }
        guard request.method == "GET" else {
            var response = HealthResponse.status(.methodNotAllowed, "method_not_allowed")
            response.allow = "GET"
            response.isHeadOnly = request.method == "HEAD"
            return response
        }
        return route()
    }

    private var routes: [String: () -> HealthResponse] {
        ["/livez": liveness, "/readyz": readiness, "/healthz": readiness, "/metrics": exposition]
    }

    private func liveness() -> HealthResponse {
        let stuck = state.stuckLoops
        guard !stuck.isEmpty else { return .status(.ok, "ok") }
        return HealthResponse(status: .serviceUnavailable, body: Self.json("unavailable", "stuck", stuck))
    }

    private func readiness() -> HealthResponse {
        let reasons = state.reasons
        guard !reasons.isEmpty else { return .status(.ok, "ok") }
        return HealthResponse(
            status: .serviceUnavailable, body: Self.json("unavailable", "reasons", reasons.map(\.rawValue)))
    }

    private func exposition() -> HealthResponse {
        HealthResponse(status: .ok, contentType: "text/plain; version=0.0.4; charset=utf-8", body: metrics())
    }

    /// A small JSON object. The words are names out of our own source, so that nothing needs escaping.
    private static func json(_ status: String, _ name: String, _ words: [String]) -> String {
        let list = words.map { "\"\($0)\"" }.joined(separator: ",")
        return #"{"status":"\#(status)","\#(name)":[\#(list)]}"# + "\n"
    }
}
