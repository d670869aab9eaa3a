import Outbox
import OutboxStore
import Postgres
import Webhooks
import Worker

/// Reads the snapshot that `doctor` judges.
struct Examination {
    let context: CommandContext
    let configuration: WorkerConfiguration

    /// How long counting what is missing may take.
    private static let countDeadline = Duration.seconds(20)

    func snapshot(_ connection: PostgresConnection) async throws -> DoctorSnapshot {
        let (offset, uncertainty) = try await clocks(connection)
        guard let server = try await connection.rows(ReadServer()).first else {
            throw CommandError(.failure, "the database did not say what it is")
        }
        var snapshot = DoctorSnapshot(
            policy: EndpointPolicy(configuration), keyFileProblem: keyFileProblem(),
            hasKeyFile: configuration.secretKeyFile != nil, server: server, clockOffset: offset,
            clockUncertainty: uncertainty)
        guard server.hasSchema, server.mayUseSchema else { return snapshot }
        snapshot.schemaVersion = try await schemaVersion(connection)
        guard snapshot.schemaVersion == Migration.newest else { return snapshot }
        snapshot.schema = try await schema(connection)
        return snapshot
    }

    private func keyFileProblem() -> String? {
        do {
            _ = try SigningSecret.sealing(configuration)
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// How far the database's clock is ahead of this machine's, taken in the middle of a round trip.
    private func clocks(_ connection: PostgresConnection) async throws -> (offset: Duration, uncertainty: Duration) {
        let before = context.now()
        let database = try await connection.readClock()
        let after = context.now()
        let ours = (before + after) / 2
        let theirs = Double(database.unixMicroseconds ?? 0) / 1e6
        // More than a human lifetime apart is no more wrong than that.
        let apart = min(max(theirs - ours, -3e9), 3e9)
        return (.seconds(apart), .seconds(min(max((after - before) / 2, 0), 3600)))
    }

    private func schemaVersion(_ connection: PostgresConnection) async throws -> Int32? {
        do {
            return try await connection.rows(ReadDatabaseState()).first?.schemaVersion ?? 0
        } catch {
            switch error.sqlState {
            case SQLState.insufficientPrivilege: return nil
            case SQLState.undefinedTable: return 0
            default: throw error
            }
        }
    }

    private func schema(_ connection: PostgresConnection) async throws -> DoctorSnapshot.Schema? {
        let (roles, triggers, partitions, vacuum, endpoints, workers, backlog) = try await connection.pipeline(
            CheckRoles(), CheckTriggers(), CheckPartitions(), CheckVacuum(), ListEndpointURLs(), ListWorkers(),
            MeasureBacklog(), deadline: CommandContext.statementDeadline)
        guard let vacuum = vacuum.first else { throw CommandError(.failure, "the hot table was not found") }
        return DoctorSnapshot.Schema(
            roles: roles, triggers: triggers, partitions: partitions, vacuum: vacuum, endpoints: endpoints,
            workers: workers, oldestDue: backlog.first ?? nil, unaccounted: try await unaccounted(connection))
    }

    /// The dearest question, asked last and not for ever.
    private func unaccounted(_ connection: PostgresConnection) async throws -> DoctorSnapshot.Unaccounted {
        do {
            return .counted(try await connection.run(CountUnaccounted(), deadline: Self.countDeadline).first ?? 0)
        } catch {
            if error.code == .deadlineExceeded { return .tooSlow }
            guard error.sqlState == .insufficientPrivilege else { throw error }
            return .notAllowed
        }
    }
}
