/// The limits of the domain on what comes from outside.
package enum Limits {
    /// The largest payload or body of an event, in bytes.
    package static let payloadBytes = 262_144
    /// The longest endpoint URL, in bytes. Longer ones are refused by common receivers and proxies.
    package static let urlBytes = 2_048
    /// The longest name of an endpoint, in Unicode scalars (what PostgreSQL's `char_length` counts).
    package static let endpointNameScalars = 200
    /// The longest event type or pattern, in characters.
    package static let eventTypeCharacters = 128
    /// How many patterns one endpoint may subscribe with. Each is a row that publishing looks up.
    package static let eventTypePatterns = 1_000
    /// The longest content type of an event, in bytes.
    package static let contentTypeBytes = 200
    /// How many header fields an endpoint or an event may configure.
    package static let headerFields = 32
    /// The longest name of a configured header field, in bytes.
    package static let headerNameBytes = 128
    /// The longest configured header field, name and value together, in bytes.
    package static let headerFieldBytes = 4_096
    /// All configured header fields of an endpoint or an event as they stand on the wire, in bytes.
    package static let headerBytes = 16_384
    /// How many networks `POSTRIDER_ALLOWED_NETWORKS` may list.
    package static let allowedNetworks = 256
    /// How many waits a retry schedule may have.
    package static let scheduleEntries = 64
    /// The longest wait of a retry schedule.
    package static let longestWait = Duration.seconds(30 * 86_400)
    /// The most attempts one delivery may take; attempt numbers are kept as 16-bit numbers in the database.
    package static let maxAttempts = 1_000
    /// How long an answer's `Retry-After` can hold a delivery back at most.
    package static let retryAfter = Duration.seconds(86_400)
    /// The longest `Retry-After` value that is looked at, in bytes.
    package static let retryAfterBytes = 64
    /// How many statuses an endpoint may name as permanent.
    package static let permanentStatuses = 32
    /// How long an endpoint may fail before it is disabled, at least and at most.
    package static let disableAfter = Duration.seconds(60)...Duration.seconds(365 * 86_400)
    /// The shortest and the longest timeout of an endpoint.
    package static let timeout = Duration.milliseconds(100)...Duration.seconds(300)
    /// The shortest and the longest lease slack: less leaves no room to record an outcome, more delays recovery.
    package static let leaseSlack = Duration.seconds(1)...Duration.seconds(3_600)
}
