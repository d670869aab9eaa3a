import Courier
import Outbox
import Postgres
import Testing

@testable import CommandLineTool
@testable import OutboxStore

@Suite struct DiagnosisTests {
    /// A snapshot without anything wrong, changed.
    private func findings(_ change: (inout DoctorSnapshot) -> Void = { _ in }) -> [Finding] {
        var snapshot = Self.sound
        change(&snapshot)
        return Diagnosis(snapshot).findings
    }

    /// The findings that are not well.
    private func problems(_ change: (inout DoctorSnapshot) -> Void) -> [String] {
        findings(change).filter { $0.level != .ok }.map { "\($0.level.rawValue) \($0.check): \($0.remedy ?? "")" }
    }

    private func schemaProblems(_ change: (inout DoctorSnapshot.Schema) -> Void) -> [String] {
        problems { snapshot in
            guard var schema = snapshot.schema else { return }
            change(&schema)
            snapshot.schema = schema
        }
    }

    private static let worker = WorkerOverview(
        id: 1, name: "w", version: "1", startedAt: .infinity, silence: .zero, inFlight: 0, isDraining: false,
        isAlive: true)

    private static func duty(
        failures: Int32 = 0, waiting: Duration? = .zero, error: String? = nil
    ) -> DutyOverview {
        DutyOverview(
            name: "retention", every: .seconds(3600), doneAgo: .seconds(7200), waiting: waiting, failures: failures,
            lastError: error)
    }

    private static let sound = DoctorSnapshot(
        policy: EndpointPolicy(), keyFileProblem: nil, hasKeyFile: false,
        server: ServerCheck(
            versionNumber: 150_014, version: "15.14", isReadOnly: false, connections: 97, connectionsUsed: 7,
            hasFsync: true,
            hasSchema: true, mayUseSchema: true, role: "op", isolation: "read committed", isReadableOnTheWay: false),
        clockOffset: .milliseconds(3), clockUncertainty: .milliseconds(1), schemaVersion: Migration.newest,
        schema: DoctorSnapshot.Schema(
            roles: [
                RoleCheck(role: "postrider_operator", exists: true, missing: [], excess: [], isOurs: true),
                RoleCheck(role: "postrider_worker", exists: true, missing: [], excess: [], isOurs: false),
            ],
            triggers: TriggerCheck.needed.map { TriggerCheck(name: $0, isEnabled: true) },
            partitions: [
                PartitionCheck(table: "outbox", days: [-1, 0, 1, 2, 3], strays: 0),
                PartitionCheck(table: "attempts", days: [-1, 0, 1, 2, 3], strays: 0),
            ],
            vacuum: VacuumCheck(
                deadRows: 10, liveRows: 5, vacuumedAgo: .seconds(60), hasAutovacuum: true, oldestTransaction: nil,
                oldestTransactionPID: nil, oldestPrepared: nil, oldestPreparedName: nil, idleSlots: []),
            endpoints: [EndpointLocation(name: "a", url: "https://example.com/")], workers: [worker],
            backlog: .init(due: 0, oldest: nil), duties: [duty()], keptDays: [], tablesWithoutIdentity: [],
            unaccounted: .counted(0), books: BookCheck(tag: "0a", tagInIDs: "0a"),
            insert: .accepted, secrets: SecretCheck()),
        pooler: .none, now: 1_732_060_800, oldestTransaction: .seconds(3600), trustedRoots: "/etc/ssl/roots.crt",
        reaches: [])

    @Test func nothingIsWrong() {
        #expect(findings().allSatisfy { $0.level == .ok && $0.remedy == nil })
        #expect(!Diagnosis(Self.sound).hasFailures)
        #expect(Set(findings().map(\.check)).count >= 15)
    }

    @Test func aProxyIsReachedOrNamed() {
        func lines(_ reach: Reach?) -> [String] {
            findings {
                $0.proxy = EgressProxy("http://user:canary@proxy.internal:3128")
                $0.proxyReach = reach
            }.filter { $0.check == "proxy" }.map { "\($0.level.rawValue) \($0.finding)" }
        }
        #expect(lines(.reached(expiresAt: nil)) == ["ok http://proxy.internal:3128 can be reached"])
        #expect(
            lines(.failed(.connectionRefused, detail: "no")) == [
                "failure http://proxy.internal:3128 cannot be reached: connection_refused, no"
            ])
        #expect(lines(nil) == ["ok http://proxy.internal:3128, not tried (--offline)"])
        #expect(findings().allSatisfy { $0.check != "proxy" })
    }

    @Test func aWatchOfAnOwnerOfOldIsNamed() {
        let stray = StrayWatch(table: "app.orders", owner: "new", runsAs: "old", functions: ["app.a()", "app.b()"])
        let found = findings { $0.schema?.strayWatches = [stray] }.filter { $0.check == "watches" }
        #expect(
            found.map(\.finding) == ["app.orders belongs to new, but its watch publishes with the rights of old"])
        #expect(
            found.first?.remedy
                == "ALTER FUNCTION app.a() OWNER TO new; ALTER FUNCTION app.b() OWNER TO new;  -- as a superuser")
    }

    /// What is wrong with the schema, in whole lines.
    private func wrong(_ change: (inout DoctorSnapshot.Schema) -> Void) -> [String] {
        let all = findings { snapshot in
            guard var schema = snapshot.schema else { return }
            change(&schema)
            snapshot.schema = schema
        }
        return all.filter { $0.level != .ok }.map { "\($0.level.rawValue) \($0.check): \($0.finding)" }
    }

    @Test func whatProducersCannotDoFails() {
        #expect(
            wrong { $0.insert = .refused("disk full") } == ["failure insert: producers cannot insert events: disk full"]
        )
        #expect(wrong { $0.insert = .notTried("it may not") } == [])
    }

    @Test func secretsThatNoKeyOpensAreNamed() {
        var check = SecretCheck()
        for number in 0..<9 { check.judge(.sample("e\(number)", secrets: ["sealed:v1:k9:AAAA"]), nil) }
        check.judge(.sample("f", secrets: [EndpointRecord.secret, "whsec_AAAA"]), nil)
        check.judge(.sample("g", secrets: [EndpointRecord.secret]), nil)
        #expect(check.endpoints == 11 && check.unusable == 9 && check.leftOut == 1)
        let found = wrong { $0.secrets = check }
        #expect(found.count == 2)
        #expect(found.contains { $0.hasPrefix("failure secrets: 9 endpoints cannot be signed for: e0: ") })
        #expect(found.contains { $0.hasPrefix("warning secrets") && $0.contains("1 endpoint ") && $0.contains("f: ") })
        #expect(!found.joined().contains("whsec_"))
    }

    @Test func whatTransformsMayDo() {
        func found(_ check: TransformCheck) -> [String] {
            wrong { $0.transform = check }
        }
        func sound(_ excess: String...) -> TransformCheck {
            TransformCheck(exists: true, runsAs: "postrider_transform", excess: excess)
        }
        #expect(found(sound()).isEmpty)
        #expect(found(sound("LOGIN")).first?.hasPrefix("warning role postrider_transform: has LOGIN") == true)
        #expect(found(TransformCheck(exists: true, runsAs: "postgres", excess: [])).first?.hasPrefix("failure") == true)
        #expect(
            found(TransformCheck(exists: false, runsAs: "postgres", excess: [])).first?.hasPrefix("failure") == true)
    }

    @Test func secretsThatWereNotReadAreNotVouchedFor() {
        var check = SecretCheck()
        check.judge(.sample("a", secrets: [EndpointRecord.secret]), nil)
        func line() -> String? {
            findings { $0.schema?.secrets = check }.first { $0.check == "secrets" }?.finding
        }
        #expect(line()?.contains("others were not read") == true)
        check.isComplete = true
        #expect(line() == "those of 1 endpoint can be opened")
    }

    @Test func workersThatDifferAreNamed() {
        var other = Self.worker
        other.id = 2
        other.settings = "http allowed; public addresses only; keys: none"
        other.clockAhead = .seconds(-3)
        var off = Self.worker
        off.id = 3
        off.settings = "https only; public addresses only; keys: none"
        off.clockAhead = .seconds(90)
        var gone = off
        gone.isAlive = false
        gone.settings = "something else"
        let workers = [other, off, gone]
        let found = wrong { $0.workers = workers }
        #expect(found.count == 3)
        #expect(found.contains { $0.hasPrefix("warning clocks: the clock of worker 2 ") && $0.contains(" behind ") })
        #expect(
            found.contains { $0.hasPrefix("failure clocks: the clock of worker 3 ") && $0.contains("claims nothing") })
        #expect(found.contains { $0.hasPrefix("warning settings") && $0.contains("worker 2: http allowed") })
    }

    @Test func everyProblemHasARemedy() {
        let broken = findings {
            $0.keyFileProblem = "no key"
            $0.server.isReadOnly = true
            $0.schema?.triggers = []
        }
        #expect(broken.filter { $0.level != .ok }.allSatisfy { $0.remedy?.isEmpty == false })
    }

    @Test func server() {
        #expect(problems { $0.server.versionNumber = 140_020 }.first?.hasPrefix("failure postgresql") == true)
        #expect(problems { $0.server.isReadOnly = true }.first?.hasPrefix("failure writable") == true)
        #expect(problems { $0.server.connectionsUsed = 88 }.first?.hasPrefix("warning connections") == true)
        #expect(problems { $0.server.connectionsUsed = 200 }.first?.hasPrefix("failure connections") == true)
        #expect(problems { $0.server.hasFsync = false }.first?.hasPrefix("warning durability") == true)
        #expect(problems { $0.keyFileProblem = "x" }.first?.hasPrefix("failure configuration") == true)
    }

    @Test func clocks() {
        #expect(problems { $0.clockOffset = .seconds(2) }.isEmpty)
        #expect(problems { $0.clockOffset = .seconds(-3) }.first?.hasPrefix("warning clocks") == true)
        #expect(problems { $0.clockOffset = .seconds(61) }.isEmpty == false)
        #expect(problems { $0.clockOffset = .seconds(62) }.first?.hasPrefix("failure clocks") == true)
        #expect(
            problems {
                $0.clockOffset = .seconds(4)
                $0.clockUncertainty = .seconds(3)
            }.isEmpty)
    }

    @Test func schema() {
        func without(_ change: (inout DoctorSnapshot) -> Void) -> [String] {
            problems {
                $0.schema = nil
                change(&$0)
            }
        }
        #expect(without { $0.server.hasSchema = false } == ["failure schema: postrider migrate"])
        #expect(
            without {
                $0.server.mayUseSchema = false
                $0.server.role = "my \"app\""
            } == [#"failure schema: GRANT postrider_operator TO "my ""app""";"#])
        #expect(without { $0.schemaVersion = nil } == ["failure schema: GRANT postrider_operator TO op;"])
        #expect(without { $0.schemaVersion = Migration.newest - 1 } == ["failure schema: postrider migrate"])
        #expect(without { $0.schemaVersion = Migration.newest + 1 } == ["failure schema: use a newer postrider"])
    }

    @Test func roles() {
        #expect(
            schemaProblems { $0.roles[1].exists = false }
                == ["failure role postrider_worker: CREATE ROLE postrider_worker NOLOGIN;"])
        #expect(
            schemaProblems { $0.roles[1].missing = ["SELECT ON x", "UPDATE ON x"] }
                == ["failure role postrider_worker: GRANT SELECT ON x TO postrider_worker;"])
        #expect(
            schemaProblems { $0.roles[0].excess = ["SELECT ON postrider.endpoint_secrets"] } == [
                "warning role postrider_operator: REVOKE SELECT ON postrider.endpoint_secrets FROM postrider_operator;"
            ])
        #expect(
            schemaProblems { $0.roles[0].isOurs = false } == ["warning login: GRANT postrider_operator TO op;"])
    }

    @Test func triggers() {
        #expect(
            schemaProblems { $0.triggers[2].isEnabled = false }
                == ["failure triggers: ALTER TABLE postrider.outbox ENABLE TRIGGER outbox_3_fan_out;"])
        #expect(schemaProblems { $0.triggers.removeFirst() }.first?.hasPrefix("failure triggers") == true)
    }

    @Test func housekeeping() {
        let statement = "SELECT * FROM postrider.duties WHERE duty = 'retention';  -- the logs of the workers say more"
        #expect(schemaProblems { $0.duties = [Self.duty(failures: 2), Self.duty(waiting: .seconds(10_800))] }.isEmpty)
        #expect(schemaProblems { $0.duties = [Self.duty(failures: 3)] } == ["failure duties: \(statement)"])
        #expect(
            schemaProblems { $0.duties = [Self.duty(waiting: .seconds(10_801))] } == ["failure duties: \(statement)"])
        let told = findings { $0.schema?.duties = [Self.duty(failures: 4, error: "no lock")] }.map(\.finding)
        #expect(told.contains("retention failed 4 times in a row, and was last done 2h ago: no lock"), "\(told)")
        #expect(
            schemaProblems { $0.tablesWithoutIdentity = ["closed"] }
                == ["failure publications: ALTER TABLE postrider.closed REPLICA IDENTITY FULL;"])
    }

    @Test func whatKeepsADay() {
        let days = [(1, 0), (0, 2)].enumerated().map { index, needs in
            KeptDay(
                name: "outbox_p2026010\(index)", bytes: 12_000_000, deadLetters: Int64(needs.0),
                deliveries: Int64(needs.1), event: 42, partitions: 3, allBytes: 40_000_000)
        }
        #expect(
            schemaProblems { $0.keptDays = days } == [
                "warning retention: postrider dead-letter list  # replay or discard them; one is of event 42",
                "warning retention: postrider event show 42  # resume its endpoint, or cancel it",
            ])
        let told = findings { $0.schema?.keptDays = days }.filter { $0.check == "retention" }.map(\.finding)
        #expect(
            told == [
                "3 partitions past the retention, 40 MB, kept; outbox_p20260100 (12 MB) is needed by 1 dead letter",
                "outbox_p20260101 (12 MB) is needed by 2 deliveries",
            ])
    }

    @Test func partitions() {
        #expect(schemaProblems { $0.partitions[0].days = [0, 1, 2] }.isEmpty)
        #expect(
            schemaProblems { $0.partitions[0].days = [0, 1, 3] }.first?.hasPrefix("warning partitions outbox") == true)
        #expect(
            schemaProblems { $0.partitions[1].days = [1, 2] }.first?.hasPrefix("failure partitions attempts") == true)
        #expect(
            schemaProblems { $0.partitions[1].strays = 1 }.first?.hasPrefix("warning default partition attempts")
                == true)
    }

    @Test func vacuum() {
        #expect(schemaProblems { $0.vacuum.deadRows = 200_000 }.first?.hasPrefix("warning vacuum") == true)
        #expect(
            schemaProblems {
                $0.vacuum.deadRows = 200_000
                $0.vacuum.liveRows = 200_000
            }.isEmpty)
        #expect(schemaProblems { $0.vacuum.hasAutovacuum = false }.first?.hasPrefix("failure vacuum") == true)
        func open(for age: Duration) -> [String] {
            schemaProblems {
                $0.vacuum.oldestTransaction = age
                $0.vacuum.oldestTransactionPID = 7
            }
        }
        #expect(open(for: .seconds(300)).isEmpty)
        #expect(
            open(for: .seconds(301)).first?.hasPrefix("warning transactions: SELECT pg_terminate_backend(7)") == true)
        #expect(open(for: .seconds(3601)).first?.hasPrefix("failure transactions") == true)
        #expect(
            schemaProblems {
                $0.vacuum.oldestPrepared = .seconds(301)
                $0.vacuum.oldestPreparedName = "it's"
            }.first?.contains("'it''s'") == true)
        #expect(schemaProblems { $0.vacuum.idleSlots = ["s"] }.first?.hasPrefix("warning replication slots") == true)
    }

    @Test func work() {
        #expect(schemaProblems { $0.unaccounted = .counted(1) }.first?.hasPrefix("failure unaccounted") == true)
        #expect(schemaProblems { $0.unaccounted = .tooSlow }.first?.hasPrefix("warning unaccounted") == true)
        #expect(schemaProblems { $0.unaccounted = .notAllowed }.first?.hasPrefix("warning unaccounted") == true)
        #expect(schemaProblems { $0.workers = [] } == ["warning workers: postrider worker"])
        #expect(
            schemaProblems {
                $0.workers[0].isAlive = false
                $0.backlog = .init(due: 1, oldest: .seconds(61))
            }.first == "failure workers: postrider worker")
        func late(_ age: Duration) -> [String] { schemaProblems { $0.backlog = .init(due: 7, oldest: age) } }
        #expect(late(.seconds(60)).isEmpty)
        #expect(late(.seconds(61)).first?.hasPrefix("warning backlog") == true)
        #expect(late(.seconds(901)).first?.hasPrefix("failure backlog") == true)
        #expect(
            schemaProblems {
                var other = Self.worker
                other.version = "2"
                $0.workers.append(other)
            }.first?.hasPrefix("warning workers: finish the upgrade") == true)
    }

    @Test func loginsOfWorkers() {
        let found = findings { snapshot in
            snapshot.schema?.workers = ["courier", "postgres", "postgres", "Owner", "gone"].map { login in
                var worker = Self.worker
                worker.login = login
                worker.isAlive = login != "gone"
                let why = ["postgres": "is a superuser", "Owner": "owns the schema", "gone": "is a superuser"]
                worker.mightiness = why[login]
                return worker
            }
        }
        #expect(
            found.filter { $0.check == "worker login" }.map { "\($0.level) \($0.finding)" } == [
                "warning a worker works as \"Owner\", which owns the schema",
                "warning 2 workers work as postgres, which is a superuser",
            ])
    }

    @Test func troublesOfWorkers() {
        #expect(
            schemaProblems {
                $0.workers[0].trouble = WorkerTrouble(
                    step: "claim", failures: 40, lasts: .seconds(90), error: "smallint out of range")
            }.first?.hasPrefix("failure work: ") == true)
        #expect(
            schemaProblems { $0.workers[0].heldBack = 2 }.first?.hasPrefix("failure held back: start it with") == true)
        // What a worker told that has ended is over.
        #expect(
            schemaProblems { schema in
                var gone = Self.worker
                gone.isAlive = false
                gone.heldBack = 2
                gone.trouble = WorkerTrouble(step: "claim", failures: 40, lasts: .seconds(90), error: "")
                schema.workers.append(gone)
            }.isEmpty)
        #expect(
            schemaProblems { $0.endpoints[0].fault = "headers holds a NULL" }.first?.hasPrefix("failure endpoints: ")
                == true)
        #expect(problems { $0.server.encoding = "LATIN1" }.first?.hasPrefix("failure encoding: ") == true)
    }

    @Test func connection() {
        #expect(
            problems { $0.server.isolation = "serializable" } == [
                "warning isolation: ALTER ROLE op SET default_transaction_isolation = 'read committed';"
            ])
        #expect(
            problems { $0.openSchemas = [.init(name: "public", creators: ["my app", nil])] } == [
                #"warning search path: REVOKE CREATE ON SCHEMA public FROM "my app", PUBLIC;"#
            ])
        #expect(problems { $0.server.isReadableOnTheWay = true }.first?.hasPrefix("warning transport") == true)
        #expect(problems { $0.pooler = .transactions }.isEmpty)
        #expect(problems { $0.pooler = .statements }.first?.hasPrefix("failure pooler") == true)
        #expect(problems { $0.trustedRoots = nil } == ["failure tls roots: apt-get install ca-certificates"])
    }

    @Test func ageOfTransactionsIsASetting() {
        func open(limit: Duration) -> [String] {
            problems {
                $0.oldestTransaction = limit
                $0.schema?.vacuum.oldestTransaction = .seconds(30)
                $0.schema?.vacuum.oldestTransactionPID = 7
            }
        }
        #expect(open(limit: .seconds(30)).isEmpty)
        #expect(open(limit: .seconds(29)).first?.hasPrefix("failure transactions") == true)
    }

    @Test func hosts() throws {
        func reached(_ reach: Reach) -> [String] {
            problems { $0.reaches = [HostReach(place: "a.example", endpoint: "a", reach: reach)] }
        }
        let day: Int64 = 86_400
        let now: Int64 = 1_732_060_800
        #expect(reached(.reached(expiresAt: nil)).isEmpty)
        #expect(reached(.reached(expiresAt: now + 14 * day)).isEmpty)
        #expect(reached(.reached(expiresAt: now + 14 * day - 1)).first?.hasPrefix("warning certificates") == true)
        #expect(reached(.blocked(try #require(IPAddress("10.0.0.1")))).first?.hasPrefix("failure hosts") == true)
        #expect(reached(.failed(.dnsFailure, detail: "x")).first?.hasPrefix("failure hosts") == true)
        #expect(reached(.failed(.tlsFailure, detail: "x")).first?.hasPrefix("failure certificates") == true)
        #expect(reached(.failed(.connectionRefused, detail: "x")).first?.hasPrefix("warning hosts") == true)
        #expect(problems { $0.reaches = nil }.isEmpty)
    }

    @Test func endpoints() {
        #expect(
            schemaProblems { $0.endpoints.append(.init(name: "it's", url: "http://10.0.0.1/")) }
                == [#"failure endpoints: postrider endpoint update 'it'\''s' --url URL"#])
        let many = schemaProblems { schema in
            schema.endpoints = (0..<100).map { .init(name: "e\($0)", url: "not a url") }
        }
        #expect(many.count == Diagnosis.endpointsNamed + 1)
    }
}

extension EndpointRecord {
    fileprivate static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    fileprivate static func sample(_ name: String, secrets: [String]) -> EndpointRecord {
        EndpointRecord(
            id: 1, revision: 1, name: name, tenant: "", urlID: 1, url: "https://example.com/",
            payloadFormat: "envelope",
            headers: [], retrySchedule: [.seconds(1)], maxAttempts: 3, timeout: .seconds(15), secrets: secrets)
    }
}
