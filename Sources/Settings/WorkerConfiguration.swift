package import Logging
package import Outbox
package import Telemetry

/// All settings of a Postrider process. A plain value: it does not know where its values come from.
package struct WorkerConfiguration: Sendable {
    /// The database, as a libpq URI or `key=value` string; several hosts are allowed. May hold a password.
    /// When nil, libpq's own `PG*` variables decide.
    package var databaseURL: Redacted<String>?

    /// Where health and metrics are served. Anything but a loopback address shows the metrics to the network.
    package var healthListen = ListenAddress.loopback(port: 8080)

    /// How many deliveries may be under way at once in this process. Too few, and slow endpoints leave the others waiting;
    /// too many, and the process needs more file descriptors (one a delivery) than its limit gives.
    package var maxInFlight = 512

    /// How many bytes of payload may be held at once. This bounds the memory of the process. When it is small, large
    /// events wait for each other; a single event larger than this still goes, alone.
    package var maxInFlightBytes = 64 << 20

    /// Networks that are blocked otherwise and in which endpoints may live all the same, such as `127.0.0.0/8` when
    /// developing. Each one is a door for whoever may register endpoints.
    package var allowedNetworks: [Network] = []

    /// Whether endpoints may be `http://`: payloads then travel readable, though signed.
    package var allowHTTP = false

    /// A lease lasts the endpoint's timeout plus this. Too short, and a worker that pauses loses its lease and the delivery
    /// is sent twice; too long, and the deliveries of a worker that died wait that long.
    package var leaseSlack: Duration = .seconds(15)

    /// How long SIGTERM waits for deliveries under way. Longer than the patience of whatever sends the SIGTERM, it is cut
    /// short by SIGKILL and those deliveries are sent again when their leases end.
    package var drainTimeout: Duration = .seconds(25)

    /// The least severe level that is logged.
    package var logLevel = Logger.Level.info

    /// How log lines are written; when nil, `text` on a terminal and `json` otherwise.
    package var logFormat: LogFormat?

    /// The file with the keys that seal endpoint secrets at rest. Without it they are stored as they are.
    package var secretKeyFile: String?

    /// The defaults.
    package init() {}
}

extension WorkerConfiguration {
    /// What values may be. Each limit is named here once, and appears in messages and documentation.
    package enum Limits {
        /// The bounds of ``WorkerConfiguration/maxInFlight``.
        package static let maxInFlight = 1...16_384
        /// The bounds of ``WorkerConfiguration/maxInFlightBytes``: 1 MiB to 64 GiB.
        package static let maxInFlightBytes = (1 << 20)...(64 << 30)
        /// The bounds of ``WorkerConfiguration/leaseSlack``. Below a second, the time it takes to record an outcome
        /// would already lose leases.
        package static let leaseSlack = Outbox.Limits.leaseSlack
        /// The bounds of ``WorkerConfiguration/drainTimeout``.
        package static let drainTimeout = Duration.seconds(1)...Duration.seconds(3600)
        /// The most bytes of any one value.
        package static let valueLength = 8192
    }
}
