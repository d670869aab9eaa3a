import Postgres
import Testing

@testable import CommandLineTool
@testable import OutboxStore

@Suite struct StatusVerdictTests {
    private static func endpoint(_ name: String, _ change: (inout EndpointOverview) -> Void = { _ in })
        -> EndpointOverview
    {
        var endpoint = EndpointOverview(
            name: name, tenant: "", url: "https://example.com/", state: "active", stateReason: nil, eventTypes: ["*"],
            pending: 0, inFlight: 0, retrying: 0, held: 0, deadLetters: 0, oldestDueAge: nil, consecutiveFailures: 0,
            lastSuccessAt: nil, lastFailureAt: nil, isCapped: false)
        change(&endpoint)
        return endpoint
    }

    private static func failing(_ name: String, for time: Duration = .seconds(3 * 3600)) -> EndpointOverview {
        endpoint(name) {
            $0.consecutiveFailures = 18
            $0.failingFor = time
            $0.lastHTTPStatus = 401
            $0.lastError = "bad signature\nand more"
        }
    }

    /// Endpoints without trouble, of which there are many more than are shown.
    private static func census(_ change: (inout Census) -> Void = { _ in }) -> Census {
        var census = Census()
        census.endpoints = 1501
        census.active = 1501
        change(&census)
        return census
    }

    private static func snapshot(
        _ census: Census = Self.census(), _ rows: [(CensusRow.Trouble, EndpointOverview)] = [], alive: Bool = true,
        version: Int32 = Migration.newest, duties: [DutyOverview] = []
    ) -> StatusSnapshot {
        let worker = WorkerOverview(
            id: 1, name: "w", version: "1", startedAt: .infinity, silence: .zero, inFlight: 0, isDraining: false,
            isAlive: alive)
        return StatusSnapshot(
            events: .init(events: 0, lastHour: 0), census: census,
            endpoints: rows.map { CensusRow(census: census, endpoint: $0.1, trouble: $0.0) }, workers: [worker],
            duties: duties, schemaVersion: version)
    }

    @Test func allIsWell() {
        #expect(StatusVerdict(Self.snapshot()).line == "All is well.")
        #expect(StatusVerdict(Self.snapshot()).isWell)
    }

    @Test func namesAClockThatIsOff() {
        var snapshot = Self.snapshot()
        snapshot.workers[0].clockAhead = .seconds(-600)
        #expect(
            StatusVerdict(snapshot).line
                == "The clock of worker 1 is 10m behind the database's, so it claims nothing. See why: postrider doctor."
        )
        snapshot.workers[0].clockAhead = .seconds(59)
        #expect(StatusVerdict(snapshot).isWell)
    }

    @Test func countsWhatWaitsBehindARetry() {
        let verdict = StatusVerdict(
            Self.snapshot(
                Self.census {
                    $0.retrying = 1
                    $0.blocked = 3
                }))
        #expect(
            verdict.line.contains("1 delivery failed and will be tried again, and 3 of the same ordering key wait: "))
    }

    @Test func notWellBesideRetries() {
        let verdict = StatusVerdict(Self.snapshot(Self.census { $0.retrying = 37 }))
        #expect(verdict.isWell)
        #expect(
            verdict.line
                == "Working, and 37 deliveries failed and will be tried again: postrider event list --status retrying.")
    }

    @Test func housekeepingThatIsNotDone() {
        func duty(_ name: String, failures: Int32 = 0, waiting: Duration? = .seconds(60)) -> DutyOverview {
            DutyOverview(
                name: name, every: .seconds(3600), doneAgo: .seconds(60), waiting: waiting, failures: failures,
                lastError: nil)
        }
        let fine = [
            duty("keys", failures: 2), duty("leases", waiting: .seconds(3 * 3600)), duty("workers", waiting: nil),
        ]
        #expect(StatusVerdict(Self.snapshot(duties: fine)).line == "All is well.")
        let bad = [duty("retention", failures: 3), duty("partitions", waiting: .seconds(3 * 3600 + 1))]
        #expect(
            StatusVerdict(Self.snapshot(duties: fine + bad)).line
                == "Housekeeping is not done: retention, partitions. See why: postrider doctor.")
    }

    @Test func withoutSchemaOrEndpointsNothingElseMatters() {
        #expect(StatusVerdict(Self.snapshot(version: Migration.newest - 1)).line.contains("postrider migrate"))
        #expect(StatusVerdict(Self.snapshot(version: Migration.newest + 1)).line.contains("a newer postrider"))
        #expect(StatusVerdict(Self.snapshot(Census())).line.contains("endpoint add"))
    }

    @Test func byHarmGroupedAndAllOfThem() {
        let census = Self.census {
            $0.pending = 1_000_000
            $0.isCapped = true
            $0.late = 2
            $0.lateDeliveries = 1_000_000
            $0.oldestDueAge = .seconds(960)
            $0.failing = 8
            $0.disabled = 1
            $0.blockedEndpoints = 1
            $0.blocked = 1200
            $0.blockedKeys = 6
            $0.oldestBlockedAge = .seconds(91 * 3600)
            $0.deadLetters = 3
            $0.forgotten = 1
            $0.held = 12
        }
        let rows: [(CensusRow.Trouble, EndpointOverview)] =
            ["it's", "b", "c"].map { (.failing, Self.failing($0)) } + [
                (
                    .disabled,
                    Self.endpoint("gone") {
                        $0.stateReason = "the endpoint answered 410 Gone"
                        $0.stateAge = .seconds(3600)
                    }
                ), (.paused, Self.endpoint("lunch") { $0.stateAge = .seconds(86_400) }),
            ]
        let verdict = StatusVerdict(Self.snapshot(census, rows, alive: false))
        #expect(
            [verdict.line] + verdict.others == [
                "No worker is running, and 1001200+ deliveries must wait. Start one: postrider worker.",
                "Deliveries are late, the oldest by 16m; 1000000+ wait at 2 endpoints. See why: postrider doctor.",
                "8 endpoints have had no success for up to 3h (it's, b, c and 5 more), last: 401 bad signature. "
                    + #"See why: postrider endpoint test 'it'\''s'."#,
                "Endpoint gone is disabled (1h, the endpoint answered 410 Gone). When it works again: "
                    + "postrider endpoint resume gone.",
                "1200+ deliveries of 6 ordering keys wait behind one that failed, the oldest for 3d 19h. "
                    + "See which: postrider event list --status blocked.",
                "Replay or discard 3+ dead letters: postrider dead-letter list.",
                "Endpoint lunch is paused (1d); 12+ deliveries held: postrider endpoint resume lunch.",
            ])
        #expect(!verdict.isWell)
    }

    @Test func oneThatFailsSaysForHowLongAndWhy() {
        let verdict = StatusVerdict(Self.snapshot(Self.census { $0.failing = 1 }, [(.failing, Self.failing("a"))]))
        #expect(
            verdict.line
                == "Endpoint a has had no success for 3h, and failed 18 times in a row, last: 401 bad signature. "
                + "See why: postrider endpoint test a.")
    }

    @Test func whenTheBacklogIsGone() {
        func flow(_ made: Float, _ ended: Float, _ change: (inout Census) -> Void) -> Flow? {
            var snapshot = Self.snapshot(Self.census(change))
            snapshot.workers[0].madeAMinute = made
            snapshot.workers[0].endedAMinute = ended
            return snapshot.flow
        }
        #expect(Self.snapshot().flow == nil)
        #expect(
            flow(1000, 1600) { $0.pending = 6000 }?.text
                == "A minute: 1000 made, 1600 ended; the backlog shrinks, gone in about 10m.")
        #expect(flow(1000, 900) { $0.pending = 6000 }?.text.hasSuffix("the backlog grows.") == true)
        #expect(flow(1000, 1010) { $0.pending = 6000 }?.text.hasSuffix("the backlog stays as it is.") == true)
        // Two workers say the same of one database, the younger of less time.
        var two = Self.snapshot(Self.census { $0.pending = 6000 })
        (two.workers[0].madeAMinute, two.workers[0].endedAMinute) = (1000, 1600)
        var younger = two.workers[0]
        younger.startedAt = .infinity
        (younger.madeAMinute, younger.endedAMinute) = (9000, 100)
        two.workers[0].startedAt = PostgresTimestamp(rawValue: 0)
        two.workers.insert(younger, at: 0)
        #expect(two.flow?.made == 1000 && two.flow?.ended == 1600)
        let unknown = flow(0, 600) {
            $0.pending = 6000
            $0.isCapped = true
        }
        #expect(unknown?.drain == nil)
    }
}
