import Outbox
import Postgres
import Testing

@testable import CommandLineTool
@testable import OutboxStore

@Suite struct EndpointPlanTests {
    private static func entry(
        _ name: String, tenant: String = "", _ change: (inout EndpointSettings) -> Void = { _ in }
    ) -> EndpointEntry {
        var settings = EndpointSettings()
        settings.url = "https://\(name).example/"
        change(&settings)
        return EndpointEntry(name: name, line: 2, tenant: tenant, settings: settings, secret: nil)
    }

    private static func stored(
        _ id: Int32, _ name: String, tenant: String = "", url: String? = nil, timeout: Duration = .seconds(15)
    ) -> StoredEndpoint {
        StoredEndpoint(
            id: id, name: name, url: url ?? "https://\(name).example/", eventTypes: ["*"],
            setup: EndpointSetup(
                tenant: tenant, payloadFormat: "envelope", retrySchedule: RetrySchedule.standard.entries,
                maxAttempts: 10, timeout: timeout, maxInFlight: nil, rateLimit: nil, headerNames: [], secrets: 1,
                newestSecretAt: nil, createdAt: .infinity, updatedAt: .infinity, signature: ["v1"], publicKeys: [],
                auth: "none", method: "POST", permanentStatus: [], orderingFailure: "skip", breaker: true,
                disableAfter: .seconds(432_000), coalesce: false))
    }

    private static func plan(
        _ entries: [EndpointEntry], _ stored: [StoredEndpoint], otherHeaders: Set<EndpointReference> = [],
        prunes: Bool = false
    ) -> EndpointPlan {
        EndpointPlan(entries, stored: stored, otherHeaders: otherHeaders, prunes: prunes)
    }

    private static func summary(_ plan: EndpointPlan) -> [String] {
        plan.changes.map { change in
            let settings = change.settings.map {
                "\($0.field.key)=\($0.from?.joined(separator: ",") ?? "")>\($0.to.joined(separator: ","))"
            }
            return ([change.action.rawValue, change.name] + settings).joined(separator: " ")
        }
    }

    @Test func comparesByWhatIsMeant() {
        let same = Self.plan([Self.entry("a")], [Self.stored(1, "a", url: "HTTPS://A.example:443")])
        #expect(same.isEmpty && same.unchanged == 1)
        // What is left out has its default.
        let other = Self.plan([Self.entry("a")], [Self.stored(1, "a", timeout: .seconds(3))])
        #expect(Self.summary(other) == ["change a timeout=3s>15s"])
        let attempts = Self.plan([Self.entry("a") { $0.retrySchedule = [.seconds(1)] }], [Self.stored(1, "a")])
        #expect(
            Self.summary(attempts) == [
                "change a retry_schedule=5s,5m,30m,2h,5h,10h,14h,20h,1d>1s max_attempts=10>2"
            ])
    }

    @Test func changesWhatIsThereByIDAndAddsByName() {
        let plan = Self.plan(
            [
                Self.entry("new-b"), Self.entry("new-a"), Self.entry("z") { $0.maxInFlight = 5 }, Self.entry("b"),
                Self.entry("c"),
            ],
            [
                Self.stored(9, "b", timeout: .seconds(3)), Self.stored(2, "z"), Self.stored(4, "gone"),
                Self.stored(5, "c"),
            ],
            prunes: true)
        #expect(
            Self.summary(plan) == [
                "change z max_in_flight=0>5", "remove gone", "change b timeout=3s>15s",
                "add new-a url=>https://new-a.example/ event_types=>*",
                "add new-b url=>https://new-b.example/ event_types=>*",
            ])
        #expect((plan.unchanged, plan.removals) == (1, 1))
    }

    @Test func prunesOnlyWhenAskedAndOnlyTenantsOfTheFile() {
        let stored = [
            Self.stored(1, "a", tenant: "acme"), Self.stored(2, "b", tenant: "acme"), Self.stored(3, "c"),
            Self.stored(4, "d", tenant: "other"),
        ]
        let entries = [Self.entry("a", tenant: "acme")]
        #expect(Self.plan(entries, stored).isEmpty)
        #expect(Self.summary(Self.plan(entries, stored, prunes: true)) == ["remove b"])
        #expect(Self.plan([], stored, prunes: true).isEmpty)
    }

    @Test func leavesHeadersThatTheFileDoesNotHave() {
        let given = Self.entry("a") { $0.headers = ["Authorization: canary"] }
        #expect(Self.plan([given], [Self.stored(1, "a")]).isEmpty)
        let plan = Self.plan([given], [Self.stored(1, "a")], otherHeaders: [EndpointReference("a", tenant: "")])
        let report = PlanReport(plan, isDone: false)
        #expect(report.changes.first?.settings.map(\.setting) == ["headers"])
        #expect(report.changes.first?.settings.first?.to == nil)
    }

    @Test func oneNameOfTwoTenantsIsTwoEndpoints() {
        let stored = [Self.stored(1, "a"), Self.stored(2, "a", tenant: "acme", timeout: .seconds(3))]
        let entries = [Self.entry("a", tenant: "acme"), Self.entry("a", tenant: "other")]
        let plan = Self.plan(entries, stored, prunes: true)
        #expect(Self.summary(plan) == ["change a timeout=3s>15s", "add a url=>https://a.example/ event_types=>*"])
        #expect(plan.changes.map(\.tenant) == ["acme", "other"])
    }

    @Test func goesInBatches() {
        let stored = (1...7).map { Self.stored(Int32($0), "e\($0)", timeout: .seconds(3)) }
        // e3 and e4 are not in the file.
        let entries = [1, 2, 5, 6, 7, 8].map { Self.entry("e\($0)") }
        let plan = Self.plan(entries, stored, prunes: true)
        #expect(
            plan.batches(of: 2).map { $0.map(\.name) } == [["e1", "e2"], ["e3"], ["e4"], ["e5", "e6"], ["e7", "e8"]])
        #expect(Self.plan([], []).batches(of: 2).isEmpty)
    }
}
