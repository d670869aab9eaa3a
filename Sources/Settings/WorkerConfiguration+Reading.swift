import Logging
import Outbox
import Telemetry

extension WorkerConfiguration {
    /// Reads the settings.
    ///
    /// | key | type | default |
    /// |---|---|---|
    /// | `POSTRIDER_DATABASE_URL` | libpq URI or `key=value` string | libpq's own `PG*` variables |
    /// | `POSTRIDER_HEALTH_LISTEN` | `HOST:PORT` | `127.0.0.1:8080` |
    /// | `POSTRIDER_MAX_IN_FLIGHT` | whole number | 512 |
    /// | `POSTRIDER_MAX_IN_FLIGHT_BYTES` | size, `64 MiB` | 64 MiB |
    /// | `POSTRIDER_ALLOWED_NETWORKS` | CIDRs, with commas between | none |
    /// | `POSTRIDER_ALLOW_HTTP` | `true`, `false` | `false` |
    /// | `POSTRIDER_LEASE_SLACK` | duration, `15s` | 15s |
    /// | `POSTRIDER_DRAIN_TIMEOUT` | duration, `25s` | 25s |
    /// | `POSTRIDER_LOG_LEVEL` | `trace`, `debug`, `info`, `notice`, `warning`, `error`, `critical` | `info` |
    /// | `POSTRIDER_LOG_FORMAT` | `text`, `json` | `text` on a terminal, `json` otherwise |
    /// | `POSTRIDER_SECRET_KEY_FILE` | path | none |
    ///
    /// - Throws: for the first value, in this order, that breaks its rule.
    package init(reading sources: ConfigurationSources) throws(ConfigurationError) {
        self.init()
        databaseURL = try sources.value(.databaseURL, "must be a libpq URI or key=value string") { Redacted($0) }
        try sources.read(.healthListen, into: &healthListen, Rules.healthListen) { ListenAddress($0) }
        try sources.read(.maxInFlight, into: &maxInFlight, Rules.maxInFlight) {
            ConfigurationValue.wholeNumber($0, in: WorkerConfiguration.Limits.maxInFlight)
        }
        try sources.read(.maxInFlightBytes, into: &maxInFlightBytes, Rules.maxInFlightBytes) {
            ConfigurationValue.byteCount($0, in: WorkerConfiguration.Limits.maxInFlightBytes)
        }
        try sources.read(.allowedNetworks, into: &allowedNetworks, Rules.allowedNetworks) { try? Network.list($0) }
        try sources.read(.allowHTTP, into: &allowHTTP, "must be true or false", ConfigurationValue.boolean)
        try sources.read(.leaseSlack, into: &leaseSlack, Rules.leaseSlack) {
            ConfigurationValue.duration($0, in: WorkerConfiguration.Limits.leaseSlack)
        }
        try sources.read(.drainTimeout, into: &drainTimeout, Rules.drainTimeout) {
            ConfigurationValue.duration($0, in: WorkerConfiguration.Limits.drainTimeout)
        }
        try sources.read(.logLevel, into: &logLevel, Rules.logLevel) { Logger.Level(rawValue: $0) }
        logFormat = try sources.value(.logFormat, "must be text or json") { LogFormat(rawValue: $0) }
        secretKeyFile = try sources.value(.secretKeyFile, "must be a path") { $0 }
    }

    private enum Rules {
        static let healthListen =
            "must be HOST:PORT, the host an IP address (IPv6 in brackets), the port from 1 to 65535"
        static let maxInFlight =
            "must be a whole number from \(Limits.maxInFlight.lowerBound) to \(Limits.maxInFlight.upperBound)"
        static let maxInFlightBytes = "must be a size from 1 MiB to 64 GiB, such as 64 MiB"
        static let allowedNetworks =
            "must be at most \(Outbox.Limits.allowedNetworks) networks with commas between, such as 10.1.0.0/16 or fd00::/8, "
            + "with no bits set after the prefix, and a prefix of at least 1"
        static let leaseSlack =
            "must be a duration from 1s to 1h, such as 15s: a lease must outlast the endpoint's timeout "
            + "by the time it takes to record the outcome"
        static let drainTimeout = "must be a duration from 1s to 1h, such as 25s"
        static let logLevel = "must be one of " + Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
    }
}

extension ConfigurationSources {
    /// The value of `key`, or nil when it is set nowhere.
    fileprivate func value<Value>(
        _ key: ConfigurationKey, _ rule: String, _ parse: (String) -> Value?
    ) throws(ConfigurationError) -> Value? {
        guard let text = text(of: key) else { return nil }
        func invalid(_ rule: String) -> ConfigurationError {
            ConfigurationError(.invalidValue, key: key.rawValue, source: place(of: key), rule: rule)
        }
        guard !text.isEmpty else { throw invalid("is empty; remove it to use the default") }
        guard text.utf8.count <= WorkerConfiguration.Limits.valueLength else {
            throw invalid("has more than \(WorkerConfiguration.Limits.valueLength) bytes")
        }
        guard !text.utf8.contains(0) else { throw invalid("holds a zero byte") }
        guard let value = parse(text) else { throw invalid(rule) }
        return value
    }

    /// Puts the value of `key` into `place`, or leaves the default there.
    fileprivate func read<Value>(
        _ key: ConfigurationKey, into place: inout Value, _ rule: String, _ parse: (String) -> Value?
    ) throws(ConfigurationError) {
        if let value = try value(key, rule, parse) {
            place = value
        }
    }
}
