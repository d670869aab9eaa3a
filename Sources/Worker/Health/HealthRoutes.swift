package import Doors
package import Settings

/// The routes of health and metrics: `/livez`, `/readyz`, `/healthz` and `/metrics`.
package struct HealthRoutes: Doorkeeper {
    private let state: HealthState
    private let metrics: @Sendable () -> String

    /// - Parameter metrics: writes the metrics in the Prometheus text format, on each scrape.
    package init(state: HealthState, metrics: @escaping @Sendable () -> String) {
        self.state = state
        self.metrics = metrics
    }

    package func judge(_ head: RequestHead) -> Verdict { .finished(answer(head)) }

    /// Only GET is answered: HEAD too gets a 405, since probes and scrapers use GET and the contract promises 405 for every
    /// other method.
    private func answer(_ head: RequestHead) -> Answer {
        guard let route = routes[head.path] else { return Self.status(404, "not_found") }
        guard head.method == "GET" else {
            var answer = Self.status(405, "method_not_allowed")
            answer.fields.append(("Allow", "GET"))
            return answer
        }
        return route()
    }

    private var routes: [Substring: () -> Answer] {
        ["/livez": liveness, "/readyz": readiness, "/healthz": readiness, "/metrics": exposition]
    }

    private func liveness() -> Answer {
        let stuck = state.stuckLoops
        return stuck.isEmpty ? Self.status(200, "ok") : Self.unavailable("stuck", stuck)
    }

    private func readiness() -> Answer {
        let reasons = state.reasons
        return reasons.isEmpty ? Self.status(200, "ok") : Self.unavailable("reasons", reasons.map(\.rawValue))
    }

    private func exposition() -> Answer {
        Answer(status: 200, body: metrics(), contentType: "text/plain; version=0.0.4; charset=utf-8")
    }

    /// A JSON object with the one field `status`.
    private static func status(_ status: Int, _ word: String) -> Answer {
        Answer(status: status, body: #"{"status":"\#(word)"}"# + "\n")
    }

    /// The words are names out of our own source, so that nothing needs escaping.
    private static func unavailable(_ name: String, _ words: [String]) -> Answer {
        let list = words.map { "\"\($0)\"" }.joined(separator: ",")
        return Answer(status: 503, body: #"{"status":"unavailable","\#(name)":[\#(list)]}"# + "\n")
    }
}

// MARK: - Their door

extension HealthRoutes {
    /// What a client may cost: one request a connection, and little time, so that neither a slow client nor a port scan costs the worker
    /// more than a few kilobytes.
    package static var limits: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.connections = 16
        limits.headBytes = 8 << 10
        (limits.headTime, limits.bodyTime, limits.idleTime) = (.seconds(2), .seconds(2), .seconds(2))
        limits.requests = 1
        limits.lingerBytes = 64 << 10
        return limits
    }

    /// How long a request that has begun may take when the process stops.
    private static let drainTime = Duration.seconds(1)

    /// A door for them, whose address is taken at once. List it first in the service group: services stop in reverse order, and
    /// probes want answers until the end of the drain.
    package func door(
        at address: ListenAddress, limits: ConnectionLimits = Self.limits
    ) throws(ConfigurationError) -> Door {
        do throws(ListenError) {
            return try Door(at: address, self, limits: limits, on: .one, drainTime: Self.drainTime)
        } catch {
            throw ConfigurationError(error, of: ConfigurationKey.healthListen.rawValue)
        }
    }
}
