import Courier
import Outbox
import OutboxStore

/// All that `doctor` looks at, read before it decides anything.
struct DoctorSnapshot: Sendable {
    /// What can be read of the schema, where there is one of the right version.
    struct Schema: Sendable {
        var roles: [RoleCheck]
        var triggers: [TriggerCheck]
        var partitions: [PartitionCheck]
        var vacuum: VacuumCheck
        var endpoints: [EndpointLocation]
        var workers: [WorkerOverview]
        var backlog: Backlog
        var duties: [DutyOverview]
        var keptDays: [KeptDay]
        /// Tables whose changes a publication makes the server refuse.
        var tablesWithoutIdentity: [String]
        var unaccounted: Unaccounted
        /// Nil when the login may not see all that has to be compared.
        var books: BookCheck?
        var insert: Insert
        var secrets: SecretCheck
        /// Nil when the login may not see them.
        var strayWatches: [StrayWatch]? = []
        var transform: TransformCheck?
        var sources: [SourceOverview] = []
        var expectations: ExpectationCensus?
    }

    /// What became of an event that was inserted and rolled back.
    enum Insert: Equatable, Sendable {
        case accepted
        /// The login may not insert events, or the pooler refuses transactions.
        case notTried(String)
        case refused(String)
    }

    /// How many deliveries of the last hour's events are missing.
    enum Unaccounted: Equatable, Sendable {
        case counted(Int64)
        case tooSlow
        /// The login may not see all that has to be compared.
        case notAllowed
    }

    /// The pooler between this process and the database.
    enum Pooler: Equatable, Sendable {
        /// No visible one: the connection is direct, or the pooler keeps a server process for each client.
        case none
        /// Server processes are shared between transactions.
        case transactions
        /// Server processes are shared between statements, and transactions are refused.
        case statements
    }

    var policy: EndpointPolicy
    /// Why the key file cannot be used; nil when it can, or there is none.
    var keyFileProblem: String?
    var hasKeyFile: Bool
    var server: ServerCheck
    /// The schemas on the login's search path in which others may create.
    var openSchemas: [OpenSchema] = []
    /// How far the database's clock is ahead of this machine's.
    var clockOffset: Duration
    /// How far off `clockOffset` may be: half a round trip.
    var clockUncertainty: Duration
    /// The newest migration that was applied; nil when it could not be read.
    var schemaVersion: Int32?
    var schema: Schema?
    var pooler: Pooler
    /// The time of this machine, in seconds since 1970.
    var now: Double
    /// An older transaction is a failure.
    var oldestTransaction: Duration
    /// The file with the certificates that this machine trusts; nil when there is none.
    var trustedRoots: String?
    /// Which requests go through, and what came of connecting to it; nil when that was not tried.
    var proxy: EgressProxy?
    var proxyReach: Reach?
    /// The results of connecting to the hosts of the endpoints; nil when that was not tried.
    var reaches: [HostReach]?
}

/// A host of one or more endpoints, and the result of connecting to it.
struct HostReach: Sendable {
    /// Host and port.
    let place: String
    /// An endpoint that is there.
    let endpoint: String
    let reach: Reach
}
