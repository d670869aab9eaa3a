import Courier
import Outbox
import Testing

@testable import Worker

@Suite struct VerificationAnswerTests {
    private static let challenge = "0123abcd"

    private func answer(_ status: Int, _ body: String) -> VerificationAnswer {
        VerificationAnswer(
            .answered(CourierAnswer(status: status, bodyPrefix: Array(body.utf8))), to: .challenge,
            challenge: Self.challenge, origin: "")
    }

    @Test(arguments: [
        #"{"challenge":"0123abcd"}"#, #"{ "ok": true, "challenge" : "0123\u0061bcd" }"#, "0123abcd", " 0123abcd\r\n",
    ])
    func theChallengeIsGivenBack(body: String) {
        #expect(answer(200, body) == .agreed(rate: nil))
        #expect(answer(299, body) == .agreed(rate: nil))
    }

    @Test(arguments: [
        "", "ok", "0123abce", "0123ABCD", "x0123abcd", "0123abcd 0123abcd", #"{"challenge":"0123abc"}"#,
        #"["0123abcd"]"#,
        #"{"challenge":["0123abcd"]}"#, #"{"data":{"challenge":"0123abcd"}}"#,
        #"{"challenge":null}"#, "<p>0123abcd</p>",
    ])
    func whatDoesNotHoldItIsARefusal(body: String) {
        #expect(answer(200, body) == .refused("its answer 200 does not hold the challenge"))
    }

    @Test func anotherStatusIsARefusal() {
        #expect(answer(404, Self.challenge) == .refused("it answered 404"))
        #expect(answer(302, Self.challenge) == .refused("it answered 302, and redirects are not followed"))
    }

    private func grant(_ origin: String?, _ rate: String? = nil, status: Int = 200) -> VerificationAnswer {
        VerificationAnswer(
            .answered(CourierAnswer(status: status, allowedOrigin: origin, allowedRate: rate)), to: .cloudevents,
            challenge: "", origin: "shop.example")
    }

    @Test(arguments: ["*", "shop.example", "Shop.Example"], [200, 204, 404, 500])
    func theSenderIsNamedWhateverTheStatus(origin: String, status: Int) {
        #expect(grant(origin, status: status) == .agreed(rate: nil))
    }

    @Test func theRateIsAMinutes() {
        #expect(grant("*", "*") == .agreed(rate: nil))
        #expect(grant("*", "120") == .agreed(rate: 2))
        #expect(grant("*", "1") == .agreed(rate: 1 / 60))
        #expect(grant("*", "999999999999") == .agreed(rate: nil))
        for bad in ["0", "-1", "1.5", "many", "", "99999999999999999999999"] {
            #expect(grant("*", bad) == .refused("its WebHook-Allowed-Rate is no number of requests a minute"), "\(bad)")
        }
    }

    @Test func noneOrAnotherNameIsARefusal() {
        #expect(grant(nil) == .refused("it answered 200 without WebHook-Allowed-Origin"))
        for other in ["", "shop.example.org", "other.example", "*.example", "shop.example,*"] {
            #expect(grant(other) == .refused("it allows another origin than shop.example"), "\(other)")
        }
    }

    @Test func whatIsNoFaultOfItsIsNotCounted() {
        func read(_ outcome: CourierOutcome) -> VerificationAnswer {
            VerificationAnswer(outcome, to: .challenge, challenge: "", origin: "")
        }
        #expect(read(.failed(.timeout, detail: "late")) == .refused("timeout: late"))
        #expect(read(.failed(.proxyError, detail: "dead")) == .notAsked("proxy_error: dead"))
        #expect(read(.notSent(.cancelled)) == .notAsked("the worker stopped"))
        #expect(read(.interrupted) == .notAsked("the worker stopped"))
    }

    @Test func thePausesGrowToAnHour() {
        let pauses = (0..<20).map { VerificationPause.wait(after: $0, random: 0.5) }
        #expect(pauses.prefix(3) == [.seconds(5), .seconds(10), .seconds(20)])
        #expect(pauses.last == .seconds(3600))
        #expect(pauses.reduce(.zero, +) > .seconds(10 * 3600))
        #expect(VerificationPause.wait(after: 0, random: 0) == .seconds(4))
    }
}
