import Outbox
import OutboxStore

/// All that `doctor` looks at, read before anything is decided.
struct DoctorSnapshot: Sendable {
    /// What can be read of the schema, where there is one of the right version.
    struct Schema: Sendable {
        var roles: [CheckRoles.Row]
        var triggers: [CheckTriggers.Row]
        var partitions: [CheckPartitions.Row]
        var vacuum: CheckVacuum.Row
        var endpoints: [ListEndpointURLs.Row]
        var workers: [ListWorkers.Row]
        /// How long the delivery that has been due for longest has been waiting.
        var oldestDue: Duration?
        var unaccounted: Unaccounted
    }

    /// How many deliveries are missing of the last hour's events.
    enum Unaccounted: Equatable, Sendable {
        case counted(Int64)
        case tooSlow
        /// The login may not see all that has to be compared.
        case notAllowed
    }

    var policy: EndpointPolicy
    /// Why the key file cannot be used; nil when it can, or there is none.
    var keyFileProblem: String?
    var hasKeyFile: Bool
    var server: ReadServer.Row
    /// How far the database's clock is ahead of this machine's.
    var clockOffset: Duration
    /// How far off `clockOffset` may be: half a round trip.
    var clockUncertainty: Duration
    /// The newest migration that was applied; nil when it could not be read.
    var schemaVersion: Int32?
    var schema: Schema?
}
