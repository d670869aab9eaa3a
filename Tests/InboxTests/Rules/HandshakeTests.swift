import Testing
import Webhooks

@testable import Inbox

@Suite("Handshakes")
struct HandshakeTests {
    private let verifier: RequestVerifier

    init() throws {
        verifier = try RequestVerifier(scheme: .github, secrets: ["a secret+1"])
    }

    @Test("Meta's, with a secret of the source")
    func meta() throws {
        func answer(_ query: String) throws -> Handshake? { try Handshake.meta(query: query, verifier: verifier) }
        let token = "hub.verify_token=a+secret%2B1"
        #expect(try answer("hub.mode=subscribe&hub.challenge=1158201444&\(token)") == .text("1158201444"))
        #expect(try answer("") == nil)
        #expect(try answer("hub.mode=unsubscribe&hub.challenge=1&\(token)") == nil)
        #expect(try answer("hub.mode=subscribe&\(token)") == nil)
        #expect(throws: Refusal.wrongCredentials) { try answer("hub.mode=subscribe&hub.challenge=1") }
        #expect(throws: Refusal.wrongCredentials) {
            try answer("hub.mode=subscribe&hub.challenge=1&hub.verify_token=a")
        }
        #expect(throws: Refusal.invalidValue) { try answer("hub.mode=subscribe&hub.challenge=%0d%0aX&\(token)") }
        #expect(throws: Refusal.invalidValue) {
            try answer("hub.mode=subscribe&hub.challenge=\(String(repeating: "1", count: 1025))&\(token)")
        }
    }

    @Test("Slack's, of its scheme alone")
    func slack() {
        let body = Array(#"{"token":"x","challenge":"3eZbrw1a","type":"url_verification"}"#.utf8)
        #expect(Handshake.slack(scheme: .slack, body: body) == .text("3eZbrw1a"))
        #expect(Handshake.slack(scheme: .github, body: body) == nil)
        #expect(Handshake.slack(scheme: .slack, body: Array(#"{"type":"event_callback","challenge":"x"}"#.utf8)) == nil)
        #expect(
            Handshake.slack(scheme: .slack, body: Array(#"{"type":"url_verification","challenge":"é"}"#.utf8)) == nil)
        #expect(Handshake.slack(scheme: .slack, body: []) == nil)
    }

    @Test("that of CloudEvents")
    func cloudEvents() {
        func answer(_ origin: String, _ rate: String?, _ limit: Double?) -> Handshake? {
            Handshake.cloudEvents(origin: origin, rate: rate, limit: limit)
        }
        #expect(answer("sender.example", nil, 10) == .allowed(origin: "sender.example", rate: nil))
        #expect(answer("sender.example", "120", 10) == .allowed(origin: "sender.example", rate: "600"))
        #expect(answer("sender.example", "120", 0.001) == .allowed(origin: "sender.example", rate: "1"))
        #expect(answer("sender.example", "120", nil) == .allowed(origin: "sender.example", rate: "*"))
        #expect(answer("", nil, nil) == nil)
        #expect(answer("a\r\nb", nil, nil) == nil)
    }
}

@Suite("Rates")
struct TokenBucketTests {
    @Test("a second's worth at once, then as the rate is; asking takes nothing")
    func rate() {
        let start = ContinuousClock.now
        var bucket = TokenBucket(rate: 2, now: start)
        #expect(bucket.take(now: start) == nil)
        #expect(bucket.take(now: start) == nil)
        #expect(bucket.take(now: start) == .milliseconds(500))
        #expect(bucket.wait(now: start) == .milliseconds(500))
        #expect(bucket.take(now: start + .milliseconds(499)) != nil)
        #expect(bucket.wait(now: start + .milliseconds(500)) == nil)
        #expect(bucket.take(now: start + .milliseconds(500)) == nil)
        // A clock that seems to go back gives nothing.
        #expect(bucket.take(now: start) != nil)
        #expect(bucket.take(now: start + .seconds(3600)) == nil)
        #expect(bucket.take(now: start + .seconds(3600)) == nil)
        #expect(bucket.take(now: start + .seconds(3600)) != nil)
    }

    @Test("less than one a second is one at once")
    func slow() {
        let start = ContinuousClock.now
        var bucket = TokenBucket(rate: 0.1, now: start)
        #expect(bucket.take(now: start) == nil)
        #expect(bucket.take(now: start + .seconds(9)) != nil)
        #expect(bucket.take(now: start + .milliseconds(10_001)) == nil)
    }
}
