import Courier
import Outbox
import OutboxStore
import Postgres
import Settings
import Testing

@testable import Worker

@Suite struct PollerTests {
    private let rig = Rig()
    private let store = FakePollStore()
    private let taker = FakeTaker()
    private let poller: Poller

    init() {
        poller = Poller(rig.parts, store: store, couriers: taker)
    }

    private var requests: [PollRequest] { taker.all(PollRequest.self) }
    private var ends: [PollEnd] { store.content.value.ends }

    private func owe(_ ids: ClosedRange<Int64>, url: String = "https://shop.example/payments/7?a=b") {
        store.content.change { content in
            content.due = ids.map {
                DuePoll(expectation: $0, turn: 3, url: url, headers: [("Authorization", "Bearer canary")])
            }
        }
    }

    private func answer(_ request: PollRequest, _ outcome: CourierOutcome) {
        #expect(request.end(CourierResult(request: request, startedAt: .now, outcome: outcome)).isEmpty)
    }

    private func text(_ request: PollRequest) throws -> String {
        var lines = HeaderLines()
        try request.appendHeaders(atUnixTime: 1_700_000_000, to: &lines)
        return lines.text
    }

    @Test func asksWithAGetOfItsOwnHeadersAndRecordsTheAnswer() async throws {
        owe(7...7)
        #expect(try await !poller.look())
        let request = try #require(requests.first)
        #expect(request.route.method == .get && request.route.url == "https://shop.example/payments/7?a=b")
        #expect(request.route.fixedHeaders.text.hasPrefix("user-agent: Postrider/") && request.route.id < 0)
        #expect(try text(request) == "accept: application/json\nAuthorization: Bearer canary\n")
        #expect(store.content.value.leases == [PollRequest.timeout + rig.parts.configuration.leaseSlack])
        try await poller.record()
        #expect(ends.isEmpty)
        answer(request, .answered(CourierAnswer(status: 200, bodyPrefix: [0x7b, 0x7d])))
        try await poller.record()
        let end = try #require(ends.first)
        #expect(end.poll.expectation == 7 && end.poll.turn == 3 && end.status == 200 && end.body == [0x7b, 0x7d])
        #expect(end.wasAsked && end.error == nil && !"\(end)".contains("canary"))
        try await poller.record()
        #expect(ends.count == 1)
    }

    @Test func noMoreAreOutThanThereAreAndEachRouteIsAnothers() async throws {
        owe(1...300)
        _ = try await poller.look()
        _ = try await poller.look()
        #expect(requests.count == Poller.limit)
        #expect(Set(requests.map(\.route.id)).count == Poller.limit)
        answer(requests[5], .failed(.timeout, detail: "late"))
        try await poller.record()
        _ = try await poller.look()
        #expect(requests.count == Poller.limit + 1)
        #expect(requests[Poller.limit].route.id == requests[5].route.id)
        #expect(requests[Poller.limit].route.revision != requests[5].route.revision)
        // The old one's answer is not taken for the new one's.
        answer(requests[5], .answered(CourierAnswer(status: 200)))
        try await poller.record()
        #expect(ends.map(\.status) == [nil])
    }

    @Test func whatIsNotPolledForEndsHoweverMuchIsOut() async throws {
        owe(1...300)
        store.content.change { $0.ending = [Poller.portion, 3] }
        #expect(try await poller.look())
        #expect(try await !poller.look())
        #expect(store.content.value.ending.isEmpty)
    }

    @Test func atTheEndWhatIsOutIsLeftToOthersAtOnceAndNothingNewIsAsked() async throws {
        owe(1...2)
        _ = try await poller.look()
        answer(requests[0], .interrupted)
        rig.parts.state.beginDrain()
        owe(3...3)
        _ = try await poller.look()
        #expect(requests.count == 2)
        await poller.giveBack()
        #expect(ends.map(\.poll.expectation) == [1, 2])
        #expect(ends.allSatisfy { !$0.wasAsked && $0.pause == .zero })
    }

    @Test func whatAnotherSessionHasIsToldAgainAndAnAnswerThatTheDatabaseCannotTakeIsLeftOut() async throws {
        owe(1...2)
        _ = try await poller.look()
        for request in requests { answer(request, .answered(CourierAnswer(status: 200, bodyPrefix: [1]))) }
        store.content.change { content in
            content.refusal = { end in
                if end.poll.expectation == 1 { return PostgresError.refused("55P03") }
                return end.body == nil ? nil : PostgresError.refused("57014")
            }
        }
        try await poller.record()
        #expect(ends.isEmpty)
        try await poller.record()
        #expect(ends.map(\.poll.expectation) == [2])
        #expect(
            ends[0].body == nil && ends[0].error?.hasPrefix("internal_error: the answer could not be looked at") == true
        )
        store.content.change { $0.refusal = { _ in nil } }
        try await poller.record()
        #expect(ends.map(\.poll.expectation) == [2, 1] && ends[1].body == [1])
    }

    @Test(arguments: [
        ("http://shop.example/", "invalid_url: "), ("https://10.0.0.1/", "blocked_address: "),
        ("https://localhost/", "blocked_address: "), ("nonsense", "invalid_url: "),
    ])
    func whereNoDeliveryMayGoNoPollGoes(_ url: String, _ error: String) async throws {
        owe(1...1, url: url)
        _ = try await poller.look()
        #expect(requests.isEmpty)
        try await poller.record()
        #expect(ends.first?.error?.hasPrefix(error) == true, "\(ends)")
        #expect(ends.first?.wasAsked == true)
    }

    @Test(
        arguments: [
            (CourierOutcome.answered(CourierAnswer(status: 204)), 204, nil, true, true),
            (
                .answered(CourierAnswer(status: 200, bodyPrefix: [1], truncated: true)), 200, "response_too_large",
                true, false
            ),
            (.answered(CourierAnswer(status: 302, location: "/")), 302, "redirect", true, false),
            (.answered(CourierAnswer(status: 410)), 410, "http_status", true, false),
            (.failed(.timeout, detail: "late"), nil, "timeout", true, false),
            (.failed(.blockedAddress, detail: "an address"), nil, "blocked_address", true, false),
            (.failed(.proxyError, detail: "dead"), nil, "proxy_error", false, false),
            (.notSent(.tooLate), nil, nil, false, false), (.notSent(.cancelled), nil, nil, false, false),
        ] as [(CourierOutcome, Int32?, String?, Bool, Bool)])
    func eachEndOfAPollIsRead(
        _ outcome: CourierOutcome, _ status: Int32?, _ error: String?, _ wasAsked: Bool, _ hasBody: Bool
    ) async throws {
        owe(1...1)
        _ = try await poller.look()
        answer(try #require(requests.first), outcome)
        try await poller.record()
        let end = try #require(ends.first)
        #expect(end.status == status && end.error?.split(separator: ":").first.map(String.init) == error)
        #expect(end.wasAsked == wasAsked && (end.body != nil) == hasBody)
    }
}
