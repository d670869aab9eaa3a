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

    private static func verdict(
        _ endpoints: [EndpointOverview], alive: Bool = true, version: Int32 = Migration.newest,
        duties: [DutyOverview] = []
    ) -> String {
        let worker = WorkerOverview(
            id: 1, name: "w", version: "1", startedAt: .infinity, silence: .zero, inFlight: 0, isDraining: false,
            isAlive: alive)
        return StatusVerdict(
            StatusSnapshot(
                events: .init(events: 0, lastHour: 0), endpoints: endpoints, workers: [worker], duties: duties,
                schemaVersion: version)
        ).line
    }

    @Test func allIsWell() {
        #expect(Self.verdict([Self.endpoint("a")]) == "All is well.")
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
        #expect(Self.verdict([Self.endpoint("a")], duties: fine) == "All is well.")
        let bad = [duty("retention", failures: 3), duty("partitions", waiting: .seconds(3 * 3600 + 1))]
        #expect(
            Self.verdict([Self.endpoint("a")], duties: fine + bad)
                == "Housekeeping is not done: retention, partitions. See why: postrider doctor.")
    }

    @Test func firstThingsFirst() {
        let disabled = Self.endpoint("gone") {
            $0.state = "disabled"
            $0.stateReason = "answered 410"
        }
        let failing = Self.endpoint("it's") { $0.consecutiveFailures = 5 }
        let late = Self.endpoint("late") {
            $0.oldestDueAge = .seconds(3700)
            $0.pending = 2
        }
        let dead = Self.endpoint("dead") { $0.deadLetters = 3 }
        let paused = Self.endpoint("paused") {
            $0.state = "paused"
            $0.held = 1
            $0.oldestDueAge = .seconds(86_400)
        }
        let all = [paused, dead, late, failing, disabled]
        #expect(Self.verdict(all, version: Migration.newest - 1).contains("postrider migrate"))
        #expect(Self.verdict(all, version: Migration.newest + 1).contains("a newer postrider"))
        #expect(Self.verdict([]).contains("endpoint add"))
        #expect(
            Self.verdict(all, alive: false)
                == "No worker is running, and 2 deliveries must wait. Start one: postrider worker.")
        #expect(
            Self.verdict(all)
                == "Endpoint gone is disabled (answered 410). When it works again: postrider endpoint resume gone.")
        #expect(Self.verdict([paused, dead, late, failing]).contains(#"postrider endpoint test 'it'\''s'."#))
        #expect(Self.verdict([paused, dead, late]).contains("late, the oldest by 1h 1m"))
        #expect(Self.verdict([paused, dead]).contains("Replay or discard 3 dead letters: "))
        #expect(
            Self.verdict([paused])
                == "Endpoint paused is paused and holds 1 delivery: postrider endpoint resume paused.")
    }

    @Test func cappedCountsSaySo() {
        let dead = Self.endpoint("dead") {
            $0.deadLetters = 100_000
            $0.isCapped = true
        }
        #expect(Self.verdict([dead]).contains("100000+ dead letters"))
    }
}
