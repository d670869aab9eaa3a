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

/// An HTTP response of the health server. Every one of them closes its connection.
struct HealthResponse: Equatable, Sendable {
    var status: Status
    var contentType = "application/json"
    /// The methods that the path does answer to, for a 405.
    var allow: String?
    var body: String
    /// Whether the body is left out, as the answer to HEAD must.
    var isHeadOnly = false

    /// The status codes that the health server gives.
    enum Status: Int {
        case ok = 200
        case badRequest = 400
        case notFound = 404
        case methodNotAllowed = 405
        case requestTimeout = 408
        case headerFieldsTooLarge = 431
        case serviceUnavailable = 503

        fileprivate var phrase: String {
            switch self {
            case .ok: "OK"
            case .badRequest: "Bad Request"
            case .notFound: "Not Found"
            case .methodNotAllowed: "Method Not Allowed"
            case .requestTimeout: "Request Timeout"
            case .headerFieldsTooLarge: "Request Header Fields Too Large"
            case .serviceUnavailable: "Service Unavailable"
            }
        }
    }

    /// A JSON object with the one field `status`.
    static func status(_ status: Status, _ word: String) -> Self {
        Self(status: status, body: #"{"status":"\#(word)"}"# + "\n")
    }

    /// The bytes to send.
    var bytes: [UInt8] {
        var head = "HTTP/1.1 \(status.rawValue) \(status.phrase)\r\n"
        head += "Content-Type: \(contentType)\r\nContent-Length: \(body.utf8.count)\r\n"
        head += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n"
        if let allow {
            head += "Allow: \(allow)\r\n"
        }
        return Array((head + "\r\n").utf8) + (isHeadOnly ? [] : Array(body.utf8))
    }
}
