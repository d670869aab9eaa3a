import Outbox
import TestSupport
import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(1))) struct ResponderTests {
    private static let body = Array(#"{"a":1}"#.utf8)

    private func request(_ verification: ReceivedRequest.Verification = .verified) -> ReceivedRequest {
        ReceivedRequest(
            time: 0, method: "POST", path: "/hook",
            headers: [
                "host": "here", "content-length": "7", "connection": "close", "content-type": "application/json",
                "webhook-id": "evt_1", "webhook-signature": "v1,x", "user-agent": "Postrider/x",
            ], body: Self.body, verification: verification)
    }

    @Test func theLastAnswerRepeats() throws {
        let plan = try AnswerPlan("500,ok,204")
        #expect((0..<5).map(plan.answer) == [.status(500), .usual, .status(204), .status(204), .status(204)])
    }

    @Test(arguments: ["", "500,", "100", "600", "0500x", "OK", "500 ok", "99999999999999999999"])
    func whatIsNoPlanIsRefused(text: String) {
        #expect(throws: (any Error).self) { try AnswerPlan(text) }
    }

    @Test func aQuestionIsAgreedToWhenItsSignatureIsGood() async {
        let responder = Responder(plan: nil, forwarder: nil)
        var question = request()
        question.headers["webhook-event-type"] = "postrider.verification"
        question.body = Array(#"{"type":"postrider.verification","data":{"challenge":"0a1b"}}"#.utf8)
        #expect(await responder.reply(to: question) == Reply(status: 200, body: Array("0a1b".utf8)))
        question.verification = .refused(code: "a", message: "b")
        #expect(await responder.reply(to: question) == Reply(status: 401))
        #expect(await responder.reply(to: request()) == Reply(status: 200))
    }

    @Test func whatIsPassedOnComesBack() async throws {
        let receiver = try ScriptedReceiver(answer: .status(503, body: "busy"))
        defer { receiver.stop() }
        let responder = Responder(plan: nil, forwarder: try Forwarder(to: EndpointURL(receiver.url())))
        let reply = await responder.reply(to: request())
        #expect(reply.status == 503)
        #expect(String(decoding: reply.body, as: UTF8.self) == "busy")
        let passed = try #require(receiver.requests.first)
        #expect(passed.body == Self.body)
        #expect(passed.header("webhook-signature") == "v1,x")
        #expect(passed.header("content-type") == "application/json")
        #expect(passed.header("host") != "here")
        #expect(receiver.violations.isEmpty)
    }

    @Test func whatIsRefusedIsNotPassedOn() async throws {
        let receiver = try ScriptedReceiver()
        defer { receiver.stop() }
        let responder = Responder(
            plan: try AnswerPlan("500,ok"), forwarder: try Forwarder(to: EndpointURL(receiver.url())))
        #expect(await responder.reply(to: request()).status == 500)
        #expect(await responder.reply(to: request(.refused(code: "a", message: "b"))).status == 401)
        #expect(receiver.requests.isEmpty)
        #expect(await responder.reply(to: request()).status == 200)
        #expect(receiver.requests.count == 1)
    }

    @Test func manyArePassedOnAtOnce() async throws {
        let receiver = try ScriptedReceiver()
        defer { receiver.stop() }
        let responder = Responder(plan: nil, forwarder: try Forwarder(to: EndpointURL(receiver.url())))
        let statuses = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<200 { group.addTask { await responder.reply(to: self.request()).status } }
            return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses == Array(repeating: 200, count: 200))
    }

    @Test func aServerThatIsAwayIsABadGateway() async throws {
        let forwarder = try Forwarder(to: EndpointURL("http://127.0.0.1:1/"))
        let reply = await forwarder.reply(to: request())
        #expect(reply.status == 502)
        #expect(String(decoding: reply.body, as: UTF8.self).hasPrefix("not passed on: "))
    }
}
