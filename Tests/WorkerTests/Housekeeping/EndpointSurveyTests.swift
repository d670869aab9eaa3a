import OutboxStore
import Testing

@testable import Worker

/// What a worker learns of all endpoints after its start, from slices.
struct EndpointSurveyTests {
    private let store = FakeHouseStore()

    /// Every third is `http://`, which the judge of the samples does not allow, and every fifth is one that no worker may dial.
    private func survey(_ count: Int32) async throws -> EndpointSurvey {
        store.content.change { content in
            content.endpoints = (0..<count).map { place in
                var record = Samples.record(place + 1)
                record.name = "e\(place)"
                if place % 3 == 2 { record.url = "http://example.com/" }
                if place % 5 == 4 { record.url = "https://169.254.169.254/" }
                return record
            }
        }
        var survey = EndpointSurvey()
        for _ in 0...count where !survey.isOver {
            try await survey.step(store, Samples.judge)
        }
        return survey
    }

    @Test func countsWhatAnotherWorkerMaySend() async throws {
        let survey = try await survey(1000)
        #expect(survey.isOver)
        #expect(survey.unservable == (0..<1000).count { $0 % 3 == 2 && $0 % 5 != 4 })
        #expect(survey.why.hasPrefix("endpoint e2: http://"))
        #expect(store.asked.count == 1000 / Int(EndpointSurvey.slice) + 1)
    }

    @Test func endsWhereThereAreNone() async throws {
        let survey = try await survey(0)
        #expect(survey.isOver && survey.unservable == 0 && store.asked == ["endpoints after 0"])
    }
}
