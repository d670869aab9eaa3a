import OutboxStore
import Postgres
import Testing

@testable import Worker

/// Surveys of a database that does what the test says.
@Suite(.timeLimit(.minutes(1))) struct SurveyTests {
    private final class FakeStore: SurveyStore {
        let answer = Shared<Result<SurveyFigures, PostgresError>>(.success(SurveyFigures()))
        let surveys = Shared(0)

        func survey() async throws(PostgresError) -> SurveyFigures {
            surveys.change { $0 += 1 }
            return try answer.value.get()
        }
        func closeSoon() {}
        func close() async {}
    }

    private let rig = Rig()
    private let store = FakeStore()

    private func pass(_ time: Duration) async throws {
        let end = rig.time.now + time
        try await rig.time.turn { rig.time.now >= end }
    }

    @Test func showsWhatItFound() async throws {
        var figures = SurveyFigures()
        figures.census.paused = 2
        figures.census.failing = 1
        figures.census.blocked = 1200
        figures.census.deadLetters = 7
        figures.census.longestFailing = .seconds(7200)
        figures.worst = [
            SurveyFigures.FailingEndpoint(name: "a \"quoted\" one", tenant: "", failing: .seconds(7200)),
            SurveyFigures.FailingEndpoint(name: "billing", tenant: "acme", failing: .seconds(60)),
        ]
        figures.failingDuties = 1
        figures.inbox.dead = 3
        figures.inbox.oldestDueAge = .seconds(90)
        store.answer.change { [figures] in $0 = .success(figures) }
        rig.parts.health.showSurvey(in: rig.registry)
        #expect(rig.metric("postrider_dead_letters_kept") == nil)
        try await rig.run(Survey(rig.parts, store: store)) { _ in
            try await rig.time.rest()
            for (metric, value) in [
                ("postrider_endpoints{state=\"paused\"}", 2.0), ("postrider_failing_endpoints", 1),
                ("postrider_owed_deliveries{status=\"blocked\"}", 1200), ("postrider_dead_letters_kept", 7),
                ("postrider_longest_failing_seconds", 7200), ("postrider_failing_duties", 1),
                ("postrider_worst_endpoints_failing_seconds{endpoint=\"a \\\"quoted\\\" one\"}", 7200),
                ("postrider_worst_endpoints_failing_seconds{endpoint=\"billing\",tenant=\"acme\"}", 60),
                ("postrider_counts_capped", 0), ("postrider_inbox_rows{status=\"dead\"}", 3),
                ("postrider_oldest_inbox_row_seconds", 90),
            ] { #expect(rig.metric(metric) == value, "\(metric)") }
        }
    }

    @Test func keepsWhatIsKnownAndSaysHowOldItIs() async throws {
        store.answer.change { $0.change { $0.census.deadLetters = 3 } }
        rig.parts.health.showSurvey(in: rig.registry)
        try await rig.run(Survey(rig.parts, store: store)) { _ in
            try await rig.time.rest()
            store.answer.change { $0 = .failure(PostgresError(.connectFailed, "no")) }
            try await pass(.seconds(60))
            #expect(store.surveys.value >= 4)
            #expect(rig.metric("postrider_dead_letters_kept") == 3)
            #expect((rig.metric("postrider_survey_age_seconds") ?? 0) >= 60)
        }
    }
}

extension Result where Success == SurveyFigures, Failure == PostgresError {
    fileprivate mutating func change(_ change: (inout SurveyFigures) -> Void) {
        guard case .success(var figures) = self else { return }
        change(&figures)
        self = .success(figures)
    }
}
