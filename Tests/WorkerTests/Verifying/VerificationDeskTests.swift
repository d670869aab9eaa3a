import Courier
import Outbox
import OutboxStore
import Postgres
import Testing

@testable import Worker

@Suite struct VerificationDeskTests {
    private let rig = Rig()
    private let store = FakeHouseStore()
    private let taker = FakeTaker()
    private let desk: VerificationDesk
    /// What the fake random bytes spell.
    private static let challenge = String(repeating: "07", count: 16)

    init() {
        desk = VerificationDesk(
            rig.parts, couriers: taker, random: { 0.5 }, randomBytes: { Array(repeating: 7, count: $0) })
    }

    private var requests: [VerificationRequest] { taker.all(VerificationRequest.self) }

    private func owe(_ records: EndpointRecord..., refusals: Int16 = 0) {
        store.content.change { content in
            content.endpoints = records
            content.verifications = records.map { DueVerification(endpoint: $0.id, refusals: refusals) }
        }
    }

    private func record(_ id: Int32 = 1, verify: String = "challenge", auth: String = "none") -> EndpointRecord {
        var record = Samples.record(id)
        record.verify = verify
        record.origin = "shop.example"
        record.rateLimit = 2.01
        record.auth = auth
        return record
    }

    private func text(_ request: any CourierRequest) throws -> String {
        var lines = HeaderLines()
        try request.appendHeaders(atUnixTime: 1_700_000_000, to: &lines)
        return lines.text
    }

    private func answer(_ request: VerificationRequest, _ outcome: CourierOutcome) {
        #expect(request.end(CourierResult(request: request, startedAt: .now, outcome: outcome)).isEmpty)
    }

    @Test func asksWithASignedRequestAndRecordsWhatItSays() async throws {
        owe(record(), refusals: 3)
        #expect(try await desk.turn(store) == 1)
        let request = try #require(requests.first)
        let body = request.body.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        #expect(body.hasPrefix(#"{"type":"postrider.verification","timestamp":""#))
        #expect(body.hasSuffix(#","data":{"challenge":"\#(Self.challenge)"}}"#))
        let head = try text(request)
        #expect(
            head.contains("webhook-signature: v1,") && head.contains("webhook-event-type: postrider.verification\n"))
        #expect(request.route.method == .post && request.route.timeout == VerificationRequest.timeout)
        #expect(!desk.hasAnswers)
        // Nobody is asked twice at once.
        #expect(try await desk.turn(store) == 0)
        answer(request, .answered(CourierAnswer(status: 500)))
        #expect(desk.hasAnswers)
        _ = try await desk.turn(store)
        #expect(
            store.content.value.ended == [
                VerificationEnd(endpoint: 1, revision: 1, why: "it answered 500", counts: true, pause: .seconds(40))
            ])
        #expect(!desk.hasAnswers)
    }

    @Test func theHandshakeHasNoContentAndNamesTheSender() async throws {
        owe(record(verify: "cloudevents"))
        _ = try await desk.turn(store)
        let request = try #require(requests.first)
        #expect(request.route.method == .options && request.body.count == 0)
        #expect(request.route.fixedHeaders.text.contains("webhook-request-origin: shop.example\n"))
        let head = try text(request)
        #expect(head.contains("webhook-request-rate: 121\n") && !head.contains("content-type"))
        answer(request, .answered(CourierAnswer(status: 404, allowedOrigin: "shop.example", allowedRate: "60")))
        _ = try await desk.turn(store)
        #expect(store.content.value.ended == [VerificationEnd(endpoint: 1, revision: 1, rate: 1)])
    }

    @Test func anAnswerToAnOldQuestionSaysNothingOfAChangedEndpoint() async throws {
        owe(record())
        _ = try await desk.turn(store)
        var changed = record()
        changed.revision = 2
        changed.url = "https://other.example/"
        owe(changed)
        _ = try await desk.turn(store)
        let body = #"{"challenge":"\#(Self.challenge)"}"#
        answer(requests[0], .answered(CourierAnswer(status: 200, bodyPrefix: Array(body.utf8))))
        _ = try await desk.turn(store)
        #expect(store.content.value.ended.map(\.revision) == [1])
        answer(requests[1], .answered(CourierAnswer(status: 500)))
        _ = try await desk.turn(store)
        #expect(store.content.value.ended.map(\.revision) == [1, 2])
    }

    @Test func whatAnOperatorHoldsIsRecordedLater() async throws {
        owe(record())
        store.content.change { $0.ends = .failure(.refused("55P03")) }
        _ = try await desk.turn(store)
        answer(requests[0], .failed(.timeout, detail: "late"))
        _ = try await desk.turn(store)
        #expect(desk.hasAnswers)
        store.content.change { $0.ends = .success("verifying") }
        _ = try await desk.turn(store)
        #expect(!desk.hasAnswers && store.content.value.ended.count == 2)
    }

    @Test func aTokenIsFetchedFirstAndTheProxysFailureIsNotCounted() async throws {
        owe(record(auth: "oauth2:https://token.example/t,id,secret"))
        _ = try await desk.turn(store)
        let token = try #require(taker.all(TokenRequest.self).first)
        #expect(requests.isEmpty)
        func end(_ outcome: CourierOutcome) {
            _ = token.end(CourierResult(request: token, startedAt: .now, outcome: outcome))
        }
        end(.failed(.proxyError, detail: "dead"))
        _ = try await desk.turn(store)
        #expect(
            store.content.value.ended == [
                VerificationEnd(endpoint: 1, revision: 1, why: "proxy_error: dead", pause: VerificationPause.putOff)
            ])
        owe(record(auth: "oauth2:https://token.example/t,id,secret"))
        _ = try await desk.turn(store)
        end(.answered(CourierAnswer(status: 200, bodyPrefix: Array(#"{"access_token":"t"}"#.utf8))))
        #expect(try text(#require(requests.first)).contains("authorization: Bearer t\n"))
    }

    @Test func aCrowdIsAskedInPortionsAndNobodyWhileTheWorkerEnds() async throws {
        store.content.change { content in
            content.endpoints = (1...100).map { record($0) }
            content.verifications = (1...100).map { DueVerification(endpoint: $0, refusals: 0) }
        }
        #expect(try await desk.turn(store) == Int32(VerificationDesk.limit))
        #expect(try await desk.turn(store) == 0)
        for request in requests { answer(request, .failed(.timeout, detail: "")) }
        rig.parts.state.beginDrain()
        #expect(try await desk.turn(store) == 0)
        #expect(store.content.value.ended.count == VerificationDesk.limit)
    }

    @Test func atTheEndWhatIsOutIsLeftToOthersAtOnce() async throws {
        owe(record())
        _ = try await desk.turn(store)
        await desk.giveBack(store)
        #expect(
            store.content.value.ended == [
                VerificationEnd(endpoint: 1, revision: 1, why: "the worker stopped", pause: .zero)
            ])
    }

    @Test func whatThisWorkerIsNotSetUpForIsLeftToAnother() async throws {
        var record = record()
        record.url = "http://plain.example/"
        owe(record)
        _ = try await desk.turn(store)
        _ = try await desk.turn(store)
        let end = try #require(store.content.value.ended.first)
        #expect(requests.isEmpty && !end.counts && end.pause == VerificationPause.putOff)
        #expect(end.why?.hasPrefix("invalid_url: ") == true)
    }
}
