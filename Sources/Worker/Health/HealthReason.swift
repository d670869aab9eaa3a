/// Why a worker is not ready. A closed set: these words appear in `/readyz` and as a metric label.
package enum HealthReason: String, CaseIterable, Sendable {
    /// The process has not finished starting.
    case starting
    /// No connection to the database can be had.
    case databaseUnreachable = "database_unreachable"
    /// The database answers but refuses to write: a standby, or a server just demoted.
    case databaseReadOnly = "database_read_only"
    /// The schema has not been made; `postrider migrate` makes it.
    case schemaMissing = "schema_missing"
    /// The schema is of a version this executable does not work with.
    case schemaMismatch = "schema_mismatch"
    /// This machine's clock and the database's differ too much for signatures to be accepted.
    case clockSkew = "clock_skew"
    /// The database has no room left, so that outcomes could not be recorded.
    case storageFull = "storage_full"
    /// The process was asked to stop and finishes what is under way.
    case draining
}
