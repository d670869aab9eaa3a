import Logging
import Outbox
import Telemetry
import Testing

@testable import Settings

@Suite struct WorkerConfigurationTests {
    private func read(_ environment: [String: String], file: String? = nil) throws -> WorkerConfiguration {
        let file = try file.map { try ConfigurationFile(path: "postrider.conf", text: $0) }
        return try WorkerConfiguration(reading: ConfigurationSources(environment: environment, file: file))
    }

    @Test func nothingSetGivesTheDocumentedDefaults() throws {
        let configuration = try read(["PATH": "/bin", "PGHOST": "db"])
        #expect(configuration.databaseURL == nil)
        #expect(configuration.healthListen.description == "127.0.0.1:8080")
        #expect(configuration.maxInFlight == 2048)
        #expect(configuration.maxInFlightBytes == 67_108_864)
        #expect(configuration.allowedNetworks.isEmpty)
        #expect(!configuration.allowHTTP)
        #expect(configuration.leaseSlack == .seconds(15))
        #expect(configuration.drainTimeout == .seconds(25))
        #expect(configuration.logLevel == .info)
        #expect(configuration.logFormat == nil)
        #expect(configuration.secretKeyFile == nil)
    }

    @Test func everySettingIsRead() throws {
        let configuration = try read([
            "POSTRIDER_DATABASE_URL": "postgres://u:p@h/d", "POSTRIDER_HEALTH_LISTEN": "[::1]:9000",
            "POSTRIDER_MAX_IN_FLIGHT": "1", "POSTRIDER_MAX_IN_FLIGHT_BYTES": "1 MiB",
            "POSTRIDER_ALLOWED_NETWORKS": "127.0.0.0/8, fd00::/8", "POSTRIDER_ALLOW_HTTP": "true",
            "POSTRIDER_LEASE_SLACK": "1s", "POSTRIDER_DRAIN_TIMEOUT": "1h", "POSTRIDER_LOG_LEVEL": "trace",
            "POSTRIDER_LOG_FORMAT": "json", "POSTRIDER_SECRET_KEY_FILE": "/run/secrets/key",
        ])
        #expect(configuration.databaseURL?.reveal() == "postgres://u:p@h/d")
        #expect(configuration.healthListen == ListenAddress(host: .v6(high: 0, low: 1), port: 9000))
        #expect(configuration.maxInFlight == 1)
        #expect(configuration.maxInFlightBytes == 1 << 20)
        #expect(
            configuration.allowedNetworks.map(\.description) == ["127.0.0.0/8", "fd00::/8"])
        #expect(configuration.allowHTTP)
        #expect(configuration.leaseSlack == .seconds(1))
        #expect(configuration.drainTimeout == .seconds(3600))
        #expect(configuration.logLevel == .trace)
        #expect(configuration.logFormat == .json)
        #expect(configuration.secretKeyFile == "/run/secrets/key")
    }

    @Test func environmentWinsOverFile() throws {
        let file = "POSTRIDER_MAX_IN_FLIGHT=7\nPOSTRIDER_ALLOW_HTTP=true\n"
        let configuration = try read(["POSTRIDER_MAX_IN_FLIGHT": "9"], file: file)
        #expect(configuration.maxInFlight == 9)
        #expect(configuration.allowHTTP)
    }

    @Test(arguments: [
        ("POSTRIDER_MAX_IN_FLIGHT", "0"), ("POSTRIDER_MAX_IN_FLIGHT", "-1"), ("POSTRIDER_MAX_IN_FLIGHT", "1e9"),
        ("POSTRIDER_MAX_IN_FLIGHT", "abc"), ("POSTRIDER_MAX_IN_FLIGHT", "٣"), ("POSTRIDER_MAX_IN_FLIGHT", " 5"),
        ("POSTRIDER_MAX_IN_FLIGHT", "5 "), ("POSTRIDER_MAX_IN_FLIGHT", "+5"), ("POSTRIDER_MAX_IN_FLIGHT", "０"),
        ("POSTRIDER_MAX_IN_FLIGHT", "16385"), ("POSTRIDER_MAX_IN_FLIGHT", "9223372036854775808"),
        ("POSTRIDER_MAX_IN_FLIGHT_BYTES", "1048575"), ("POSTRIDER_MAX_IN_FLIGHT_BYTES", "64 MB"),
        ("POSTRIDER_MAX_IN_FLIGHT_BYTES", "64  MiB"), ("POSTRIDER_MAX_IN_FLIGHT_BYTES", "9223372036854775807 KiB"),
        ("POSTRIDER_MAX_IN_FLIGHT_BYTES", "MiB"), ("POSTRIDER_MAX_IN_FLIGHT_BYTES", "65 GiB"),
        ("POSTRIDER_HEALTH_LISTEN", "8080"), ("POSTRIDER_HEALTH_LISTEN", ":8080"),
        ("POSTRIDER_HEALTH_LISTEN", "127.0.0.1"), ("POSTRIDER_HEALTH_LISTEN", "127.0.0.1:0"),
        ("POSTRIDER_HEALTH_LISTEN", "127.0.0.1:99999"), ("POSTRIDER_HEALTH_LISTEN", "127.0.0.1:-1"),
        ("POSTRIDER_HEALTH_LISTEN", "127.0.0.256:80"), ("POSTRIDER_HEALTH_LISTEN", "::1:8080"),
        ("POSTRIDER_HEALTH_LISTEN", "[::1]"), ("POSTRIDER_HEALTH_LISTEN", "[127.0.0.1]:80"),
        ("POSTRIDER_HEALTH_LISTEN", "[fe80::1%eth0]:80"), ("POSTRIDER_HEALTH_LISTEN", "example.com:80"),
        ("POSTRIDER_ALLOWED_NETWORKS", "0.0.0.0/0"), ("POSTRIDER_ALLOWED_NETWORKS", "127.0.0.1/0"),
        ("POSTRIDER_ALLOWED_NETWORKS", "::/0"), ("POSTRIDER_ALLOWED_NETWORKS", "10.0.0.0/33"),
        ("POSTRIDER_ALLOWED_NETWORKS", "10.0.0.1/8"), ("POSTRIDER_ALLOWED_NETWORKS", "fd00::1/64"),
        ("POSTRIDER_ALLOWED_NETWORKS", "fd00::/129"), ("POSTRIDER_ALLOWED_NETWORKS", "10.0.0.0"),
        ("POSTRIDER_ALLOWED_NETWORKS", "10.0.0.0/8,"), ("POSTRIDER_ALLOWED_NETWORKS", "localhost/8"),
        ("POSTRIDER_ALLOWED_NETWORKS", "010.0.0.0/8"), ("POSTRIDER_ALLOWED_NETWORKS", "10.0.0.0/8/8"),
        ("POSTRIDER_ALLOW_HTTP", "True"), ("POSTRIDER_ALLOW_HTTP", "1"), ("POSTRIDER_ALLOW_HTTP", "yes"),
        ("POSTRIDER_LEASE_SLACK", "15"), ("POSTRIDER_LEASE_SLACK", "999ms"), ("POSTRIDER_LEASE_SLACK", "0s"),
        ("POSTRIDER_LEASE_SLACK", "-15s"), ("POSTRIDER_LEASE_SLACK", "1.5s"), ("POSTRIDER_LEASE_SLACK", "3601s"),
        ("POSTRIDER_LEASE_SLACK", "9223372036854775807d"), ("POSTRIDER_LEASE_SLACK", "s"),
        ("POSTRIDER_DRAIN_TIMEOUT", "0s"), ("POSTRIDER_DRAIN_TIMEOUT", "25 s"), ("POSTRIDER_DRAIN_TIMEOUT", "2h"),
        ("POSTRIDER_LOG_LEVEL", "verbose"), ("POSTRIDER_LOG_LEVEL", "INFO"), ("POSTRIDER_LOG_FORMAT", "xml"),
        ("POSTRIDER_DATABASE_URL", ""), ("POSTRIDER_MAX_IN_FLIGHT", ""), ("POSTRIDER_LOG_LEVEL", ""),
        ("POSTRIDER_SECRET_KEY_FILE", ""), ("POSTRIDER_SECRET_KEY_FILE", String(repeating: "x", count: 8193)),
    ])
    func badValueIsRefusedByNameAndNeverRepeated(key: String, value: String) {
        let error = #expect(throws: ConfigurationError.self) { try read([key: value]) }
        #expect(error?.code == .invalidValue)
        #expect(error?.key == key)
        #expect(error?.description.hasPrefix(key + " ") == true)
        #expect(error?.description.hasSuffix("(set in the environment)") == true)
        if value.count > 20 {
            #expect(error?.description.contains(value) == false)
        }
    }

    @Test func badValueInFileIsNamedWithItsLine() {
        let error = #expect(throws: ConfigurationError.self) {
            try read([:], file: "# limits\n\nPOSTRIDER_MAX_IN_FLIGHT = many\n")
        }
        #expect(
            error?.description
                == "POSTRIDER_MAX_IN_FLIGHT must be a whole number from 1 to 16384 (set in file postrider.conf, line 3)"
        )
    }

    @Test(arguments: [
        ("POSTRIDER_MAX_INFLIGHT", "; did you mean POSTRIDER_MAX_IN_FLIGHT?"),
        ("POSTRIDER_LOGLEVEL", "; did you mean POSTRIDER_LOG_LEVEL?"),
        ("postrider_allow_http", "; did you mean POSTRIDER_ALLOW_HTTP?"),
        ("POSTRIDER_CONCURENCY", " is not a setting of Postrider "),
        ("POSTRIDER_DANGEROUS_DISABLE_TLS_VERIFY", " is not a setting of Postrider "),
        ("POSTRIDER_", " is not a setting of Postrider "),
        ("POSTRIDER_" + String(repeating: "X", count: 5000), "XXX"),
    ])
    func unknownKeyIsRefused(name: String, expected: String) {
        for (environment, file) in [([name: "1"], nil), ([:], name.utf8.allSatisfy { $0 > 0x40 } ? name + "=1" : nil)] {
            guard !environment.isEmpty || file != nil else { continue }
            let error = #expect(throws: ConfigurationError.self) { try read(environment, file: file) }
            #expect(error?.code == .unknownKey)
            #expect(error?.key == name)
            #expect(error?.description.contains(expected) == true)
            #expect((error?.description.count ?? .max) <= 1001)
        }
    }

    @Test func hostileKeyCannotBreakTheLine() {
        let error = #expect(throws: ConfigurationError.self) { try read(["POSTRIDER_\u{1b}[31m\n": "1"]) }
        #expect(error?.description.contains("POSTRIDER_\\u{1b}[31m\\n is not a setting") == true)
    }

    @Test func passwordIsNeverShown() throws {
        let configuration = try read(["POSTRIDER_DATABASE_URL": "postgres://u:canary@h/d"])
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!"\(configuration)\(String(reflecting: configuration))\(dumped)".contains("canary"))
        #expect(dumped.contains("[redacted]"))
    }

    @Test func missingFileIsNamed() {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationSources(environment: ["POSTRIDER_CONFIG": "/nonexistent/postrider.conf"])
        }
        #expect(error?.description == "POSTRIDER_CONFIG names a file that does not exist (set in the environment)")
    }

    @Test(arguments: [
        ("/dev/zero", "is not a regular file"), ("/dev", "is not a regular file"), ("", "does not exist"),
        ("/dev/null/x", "does not exist"),
    ])
    func whatIsNoFileIsRefused(path: String, reason: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationSources(environment: ["POSTRIDER_CONFIG": path])
        }
        #expect(error?.code == .unreadableFile)
        #expect(error?.rule == "names a file that \(reason)")
    }

    @Test(arguments: ["127.0.0.1:1", "0.0.0.0:8080", "[::]:65535", "[::1]:80", "[2001:db8::1]:443"])
    func addressIsWrittenAsItIsRead(text: String) {
        #expect(ListenAddress(text)?.description == text)
    }

    @Test func addressSpellings() {
        #expect(ListenAddress("localhost:80")?.description == "127.0.0.1:80")
        #expect(ListenAddress("127.0.0.1:0", allowingAnyPort: true)?.port == 0)
    }
}
