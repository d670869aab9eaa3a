import Testing

@testable import Settings

@Suite struct ServiceVariableTests {
    /// What Kubernetes sets for a Service `postrider` on 8080, with a port that is called `http`, and for one called
    /// `postrider-worker`.
    @Test(arguments: [
        "POSTRIDER_SERVICE_HOST=10.0.0.11", "POSTRIDER_SERVICE_PORT=8080", "POSTRIDER_SERVICE_PORT_HTTP=8080",
        "POSTRIDER_PORT=tcp://10.0.0.11:8080", "POSTRIDER_PORT_8080_TCP=tcp://10.0.0.11:8080",
        "POSTRIDER_PORT_8080_TCP_PROTO=tcp", "POSTRIDER_PORT_8080_TCP_PORT=8080",
        "POSTRIDER_PORT_8080_TCP_ADDR=10.0.0.11", "POSTRIDER_WORKER_SERVICE_HOST=fd00::b",
        "POSTRIDER_WORKER_PORT_53_UDP=udp://[fd00::b]:53", "POSTRIDER_WORKER_PORT_53_UDP_PROTO=udp",
    ])
    func thoseOfAServiceAreNoSettings(variable: String) throws {
        let parts = variable.split(separator: "=", maxSplits: 1).map(String.init)
        let sources = try ConfigurationSources(environment: [parts[0]: parts[1], "POSTRIDER_LOG_LEVEL": "debug"])
        #expect(sources.text(of: .logLevel) == "debug")
    }

    @Test(arguments: [
        "POSTRIDER_PORT=8080", "POSTRIDER_SERVICE_HOST=postrider", "POSTRIDER_SERVICE_PORT=http",
        "POSTRIDER_PORT_8080_TCP_PROTO=udp", "POSTRIDER_PORT_8080_TCP_ADDR=", "POSTRIDER_VERSION=0.1",
        "POSTRIDER_IMAGE=postrider:0.1", "POSTRIDER_HEALTH_PORT_LISTEN=127.0.0.1:80",
        "postrider_port=tcp://10.0.0.11:8080",
    ])
    func othersStopTheStart(variable: String) {
        let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationSources(environment: [parts[0]: parts[1]])
        }
        #expect(error?.code == .unknownKey)
        #expect(error?.key == parts[0])
    }
}
