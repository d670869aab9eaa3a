package import Logging
package import Outbox
package import Telemetry

/// All settings of a Postrider process: for each its key, the rule for its values, and its default.
///
/// A plain value: it does not know where its values come from. A setting that may be nil has no default of its own.
package struct WorkerConfiguration: Sendable {
    /// May hold a password; several hosts are allowed. When nil, libpq's own `PG*` variables decide.
    @Setting(.databaseURL, "must be a libpq URI or key=value string", { Redacted($0) })
    package var databaseURL: Redacted<String>?

    /// The database as the API for customers logs in to it, where one process serves the inbox too. When nil, ``databaseURL``.
    @Setting(.apiDatabaseURL, "must be a libpq URI or key=value string", { Redacted($0) })
    package var apiDatabaseURL: Redacted<String>?

    /// Where health and metrics are served. Any address but a loopback address shows the metrics to the network.
    @Setting(
        .healthListen, "must be HOST:PORT, the host an IP address (IPv6 in brackets), the port from 1 to 65535",
        { ListenAddress($0) })
    package var healthListen = ListenAddress.loopback(port: 8080)

    /// How many deliveries may be in flight at once in this process. Too few, and slow endpoints make the others wait;
    /// too many, and the process needs more file descriptors (one a delivery) than its limit gives.
    @Setting(.maxInFlight, count: 1...16_384)
    package var maxInFlight = 2048

    /// How many bytes of payload may be held at once. This bounds the memory of the process. When it is small, large
    /// events wait for each other; a single event larger than this still goes, alone.
    @Setting(.maxInFlightBytes, bytes: (1 << 20)...(64 << 30))
    package var maxInFlightBytes = 64 << 20

    /// Networks in which endpoints may live although they are blocked otherwise, such as `127.0.0.0/8` when developing.
    /// Everyone who may register endpoints can reach all of them.
    @Setting(
        .allowedNetworks,
        """
        must be at most \(Limits.allowedNetworks) networks with commas between, such as 10.1.0.0/16 or fd00::/8, \
        with no bits set after the prefix, and a prefix of at least 1
        """, { try? Network.list($0) })
    package var allowedNetworks: [Network] = []

    /// Whether endpoints may be `http://`: then others can read the payloads on their way, though they are signed.
    @Setting(.allowHTTP, "must be true or false", { ["true": true, "false": false][$0] })
    package var allowHTTP = false

    /// A lease lasts the endpoint's timeout plus this. Too short, and a worker that pauses loses its lease and the delivery
    /// is sent twice; too long, and the deliveries of a worker that died wait that long.
    @Setting(
        .leaseSlack, duration: Limits.leaseSlack,
        because: "a lease must outlast the endpoint's timeout by the time it takes to record the outcome")
    package var leaseSlack: Duration = .seconds(15)

    /// How long a worker waits, after SIGTERM, for its deliveries in flight. It must be shorter than the time that the
    /// sender of SIGTERM allows: otherwise SIGKILL ends the worker, and these deliveries are sent again when their leases
    /// end.
    @Setting(.drainTimeout, duration: .seconds(1)...(.seconds(3600)))
    package var drainTimeout: Duration = .seconds(25)

    /// The least severe level that is logged.
    @Setting(
        .logLevel, "must be one of " + Logger.Level.allCases.map(\.rawValue).joined(separator: ", "),
        { Logger.Level(rawValue: $0) })
    package var logLevel = Logger.Level.info

    /// How log lines are written; when nil, `text` on a terminal and `json` otherwise.
    @Setting(.logFormat, "must be text or json", { LogFormat(rawValue: $0) })
    package var logFormat: LogFormat?

    /// The file with the keys that seal endpoint secrets at rest. Without it they are stored as they are.
    @Setting(.secretKeyFile, "must be a path", { $0 })
    package var secretKeyFile: String?

    /// The proxy that everything goes through that is sent to endpoints. Without it they are connected to from here; what other programs
    /// read from `HTTPS_PROXY` and the like is never read.
    @Setting(
        .proxy,
        """
        must be http://, https:// or socks5h:// and a host, perhaps with USER:PASSWORD@ (percent-encoded) before it and a port \
        behind it, and nothing more
        """, { EgressProxy($0) })
    package var proxy: EgressProxy?

    /// The defaults.
    package init() {}

    /// - Throws: for the first value, in this order, that breaks its rule.
    package init(reading sources: ConfigurationSources) throws(ConfigurationError) {
        self.init()
        try _databaseURL.read(from: sources)
        try _apiDatabaseURL.read(from: sources)
        try _healthListen.read(from: sources)
        try _maxInFlight.read(from: sources)
        try _maxInFlightBytes.read(from: sources)
        try _allowedNetworks.read(from: sources)
        try _allowHTTP.read(from: sources)
        try _leaseSlack.read(from: sources)
        try _drainTimeout.read(from: sources)
        try _logLevel.read(from: sources)
        try _logFormat.read(from: sources)
        try _secretKeyFile.read(from: sources)
        try _proxy.read(from: sources)
    }
}
