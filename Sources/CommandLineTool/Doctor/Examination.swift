import Courier
import Outbox
import OutboxStore
import Postgres
import Settings
import Webhooks
import Worker

/// Reads the snapshot that `doctor` judges.
struct Examination {
    let context: CommandContext
    let configuration: WorkerConfiguration
    /// How old a transaction may get.
    let oldestTransaction: Duration
    /// Whether only the database is asked.
    let isOffline: Bool

    /// The most hosts that are dialled. With more, a person would wait too long.
    private static let hostLimit = 64
    /// How long counting what is missing may take.
    private static let countDeadline = Duration.seconds(20)
    private static let insertDeadline = Duration.seconds(5)
    /// How long opening secrets may take, and how many endpoints are read at once.
    private static let secretsLimit = Duration.seconds(10)
    private static let secretsSlice: Int32 = 500
    /// The most sources that are read.
    private static let sourceLimit: Int32 = 1000

    private struct TakenBack: Error {}

    func snapshot(_ connection: PostgresConnection) async throws -> DoctorSnapshot {
        let (offset, uncertainty) = try await clocks(connection)
        guard let server = try await connection.rows(ServerChecks.server).first else {
            throw CommandError(.failure, "the database did not describe itself")
        }
        var snapshot = DoctorSnapshot(
            policy: EndpointPolicy(configuration), keyFileProblem: keyFileProblem(),
            hasKeyFile: configuration.secretKeyFile != nil, server: server, clockOffset: offset,
            clockUncertainty: uncertainty, pooler: try await pooler(connection), now: context.now(),
            oldestTransaction: oldestTransaction, trustedRoots: TrustedRoots.systemFile(), proxy: configuration.proxy)
        if !isOffline { snapshot.proxyReach = await proxyReach() }
        let path = try await connection.rows(ServerChecks.searchPath).first ?? []
        snapshot.openSchemas = try await connection.rows(ServerChecks.open(path))
        guard server.hasSchema, server.mayUseSchema else { return snapshot }
        snapshot.schemaVersion = try await schemaVersion(connection)
        guard snapshot.schemaVersion == Migration.newest else { return snapshot }
        snapshot.schema = try await schema(connection)
        if !isOffline { snapshot.reaches = await reaches(snapshot.schema?.endpoints ?? [], snapshot.policy) }
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
        // A difference of more than 95 years is cut, so that it can be counted.
        let apart = min(max(theirs - ours, -3e9), 3e9)
        return (.seconds(apart), .seconds(min(max((after - before) / 2, 0), 3600)))
    }

    private func schemaVersion(_ connection: PostgresConnection) async throws -> Int32? {
        do {
            return try await connection.rows(Status.database).first?.schemaVersion ?? 0
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
            SchemaChecks.roles, SchemaChecks.triggers, SchemaChecks.partitions, ServerChecks.vacuum, Endpoints.urls,
            Workers.list, Status.backlog, deadline: CommandContext.statementDeadline)
        let (duties, keptDays, withoutIdentity) = try await connection.pipeline(
            Duties.overview, RetentionChecks.keptDays, RetentionChecks.withoutIdentity,
            deadline: CommandContext.statementDeadline)
        guard let vacuum = vacuum.first else { throw CommandError(.failure, "the hot table was not found") }
        return DoctorSnapshot.Schema(
            roles: roles, triggers: triggers, partitions: partitions, vacuum: vacuum, endpoints: endpoints,
            workers: workers, backlog: backlog.first ?? .init(due: 0, oldest: nil), duties: duties, keptDays: keptDays,
            tablesWithoutIdentity: withoutIdentity,
            unaccounted: try await unaccounted(connection), books: try await books(connection),
            insert: try await insert(connection), secrets: try await secrets(connection),
            strayWatches: try await strayWatches(connection),
            transform: try await connection.rows(TransformCheck.query).first,
            sources: try await connection.rows(WebhookSources.list(limit: Self.sourceLimit)),
            expectations: try await connection.rows(ExpectationCensus.query).first)
    }

    private func strayWatches(_ connection: PostgresConnection) async throws -> [StrayWatch]? {
        do {
            return try await connection.rows(SchemaChecks.strayWatches)
        } catch {
            guard error.sqlState == .insufficientPrivilege else { throw error }
            return nil
        }
    }

    private func books(_ connection: PostgresConnection) async throws -> BookCheck? {
        do {
            return try await connection.rows(BookChecks.books).first
        } catch {
            guard error.sqlState == .insufficientPrivilege else { throw error }
            return nil
        }
    }

    /// Inserts an event for no endpoint as a producer does, and takes it back.
    private func insert(_ connection: PostgresConnection) async throws -> DoctorSnapshot.Insert {
        do {
            try await connection.withTransaction(deadline: Self.insertDeadline) {
                let isNumbered = try await $0.run(SchemaChecks.mayNumber, deadline: Self.insertDeadline).first == true
                _ = try await $0.run(SchemaChecks.insert(isNumbered: isNumbered), deadline: Self.insertDeadline)
                throw TakenBack()
            }
            return .accepted
        } catch is TakenBack {
            return .accepted
        } catch let error as PostgresError {
            if error.sqlState == .insufficientPrivilege { return .notTried("this login may not insert events") }
            if error.sqlState == .readOnlySQLTransaction { return .notTried("the database is read-only") }
            if error.message.contains("statement pooling") { return .notTried("the pooler refuses transactions") }
            guard error.code == .server || error.code == .deadlineExceeded else { throw error }
            return .refused(error.message)
        }
    }

    /// Opens the live secrets of endpoints and sources with the keys that are here.
    private func secrets(_ connection: PostgresConnection) async throws -> SecretCheck {
        var check = SecretCheck()
        let sealing: SecretSealing?
        // The configuration's own line says what is wrong with the key file.
        do { sealing = try SigningSecret.sealing(configuration) } catch { return check }
        let end = context.now() + Self.secretsLimit / .seconds(1)
        var last: Int32 = 0
        do {
            while context.now() < end {
                let ids = try await connection.rows(EndpointIDs.next(after: last, limit: Self.secretsSlice))
                guard let next = ids.last else {
                    check.isComplete = true
                    break
                }
                last = next
                for record in try await connection.rows(LoadEndpoints(ids: ids)) { check.judge(record, sealing) }
            }
            // A login that may not read them learns that at the first one there is.
            if try await connection.rows(SealedTexts.hasSources).first == true {
                for source in try await connection.rows(SealedTexts.sources) { check.judge(source, sealing) }
            }
        } catch {
            guard error.sqlState == .insufficientPrivilege || error.mayConcernOneRow else { throw error }
            check.isComplete = false
        }
        return check
    }

    /// Tells a pooler by what it does: two connections that share a server process, or a transaction that is refused.
    private func pooler(_ connection: PostgresConnection) async throws -> DoctorSnapshot.Pooler {
        let deadline = CommandContext.statementDeadline
        do {
            try await connection.withTransaction(deadline: deadline) {
                _ = try await $0.run(ServerChecks.backend, deadline: deadline)
            }
        } catch let error as PostgresError {
            // PgBouncer's words for a transaction in its mode `statement`.
            guard error.message.contains("statement pooling") else { throw error }
            return .statements
        }
        let first = try await connection.rows(ServerChecks.backend)
        let second = try await context.run(ServerChecks.backend)
        return first == second ? .transactions : .none
    }

    /// What comes of connecting to the proxy itself. The operator has put it where it is: any address will do.
    private func proxyReach() async -> Reach? {
        guard let proxy = configuration.proxy else { return nil }
        return await ReachProbe { _ in true }.reach([ReachRequest(proxy)]).first
    }

    /// Each host once, even if several endpoints are there.
    private func reaches(_ endpoints: [EndpointLocation], _ policy: EndpointPolicy) async -> [HostReach] {
        var requests: [ReachRequest] = []
        var places: [(place: String, endpoint: String)] = []
        for endpoint in endpoints {
            guard requests.count < Self.hostLimit, let url = try? policy.endpointURL(endpoint.url) else { continue }
            let request = ReachRequest(url, authorities: endpoint.ca)
            guard !requests.contains(request) else { continue }
            requests.append(request)
            places.append((url.authority, endpoint.name))
        }
        let addresses = policy.addresses
        let probe = ReachProbe(proxy: configuration.proxy, judge: DialJudge(addresses).allows)
        let reaches = await probe.reach(requests)
        return zip(places, reaches).map { HostReach(place: $0.place, endpoint: $0.endpoint, reach: $1) }
    }

    /// This statement costs most, so it is the last one and has a time limit.
    private func unaccounted(_ connection: PostgresConnection) async throws -> DoctorSnapshot.Unaccounted {
        do {
            return .counted(try await connection.run(SchemaChecks.unaccounted, deadline: Self.countDeadline).first ?? 0)
        } catch {
            if error.code == .deadlineExceeded { return .tooSlow }
            guard error.sqlState == .insufficientPrivilege else { throw error }
            return .notAllowed
        }
    }
}
